"""The model card of a detector: what it tells, and which forgotten photos it goes on telling of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from test_detector_train import annotated, config

from deepstyle.about import CARD, today
from deepstyle.catalog import Catalog
from deepstyle.detector.card import imported_card
from deepstyle.detector.train import train_detector
from deepstyle.files import put_file
from deepstyle.model_card import with_forgotten
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)
MARK = "# Model card: x\n\n## Forgotten photos\n\nThese photos were removed.\n\n- a day: It was trained on photo abc.\n"


def test_the_detector_s_card_tells_figures_by_the_photos_they_are_of(tmp_path: Path) -> None:
    """Beside the weights a card tells labels, files with their counts, figures and what these photos have chosen, and limits."""
    sets = (replace(annotated(tmp_path, 8), name="a.json"), replace(annotated(tmp_path, 4), name="b|c.json"))
    with Catalog(tmp_path) as catalog:
        result = train_detector(*sets, catalog, config("images=2", "evaluate_every=2"), reporter=QUIET, name="mine")
    card, found = (result.folder / CARD).read_text(), result.evaluation

    assert card.startswith("# Model card: mine\n\nFinds garments on photos")
    assert f"| validation photos, b\\|c.json | 4 | {found.ap50:.3f} | {found.ap:.3f} | {found.ap75:.3f} |" in card
    assert "chose no snapshot" in card
    assert f"run {result.run}, {today()}, on a.json (8 photos, 16 boxes: upper 8, lower 8)" in card
    assert "from random weights, 2 photos seen" in card
    assert "## Limits\n\n- It is weak: AP50" in card


def test_forgotten_photos_stay_in_the_card_as_long_as_weights_derive_from_them(tmp_path: Path) -> None:
    """A run whose model is written again, and a training from it, tell of the photos it has seen; another run has seen none."""
    sets = (annotated(tmp_path, 8), annotated(tmp_path, 4))
    with Catalog(tmp_path) as catalog:

        def card(name: str, images: int, *, start: Path | None = None, fresh: bool = False) -> str:
            made = config(f"images={images}", f"evaluate_every={images}")
            found = train_detector(*sets, catalog, made, reporter=QUIET, name=name, start=start, fresh=fresh)
            return (found.folder / CARD).read_text()

        card("mine", 2)
        put_file(tmp_path / "runs/detector-001" / CARD, MARK.encode())
        another = card("mine", 4)
        again = card("mine", 2)
        started = card("other", 2, start=tmp_path / "models/mine")
        fresh = card("mine", 2, fresh=True)

    assert again.endswith(
        "\n\n## Forgotten photos\n\nThese photos were removed.\n\n- a day: It was trained on photo abc.\n"
    )
    assert again.index("## Limits") < again.index("## Forgotten photos")
    assert "photo abc" in started
    assert "Forgotten" not in another + fresh


def test_forgotten_photos_of_several_cards_are_told_once() -> None:
    """What several cards say of forgotten photos stands once, in one section, and nothing else of them is taken over."""
    other = MARK.replace("abc.", "abc.\n- a day: It was trained on photo def.") + "\n## Other\n\n- words\n"
    card = with_forgotten("# Model card: y\n\nIt does.\n", [MARK, "", other])

    told = "- a day: It was trained on photo abc.\n- a day: It was trained on photo def.\n"
    section = f"## Forgotten photos\n\nThese photos were removed.\n\n{told}"
    assert card == f"# Model card: y\n\nIt does.\n\n{section}"
    assert with_forgotten("# Model card: y\n", ["# Model card: x\n"]) == "# Model card: y\n"


def test_the_card_of_an_imported_detector_says_that_nobody_has_measured_it() -> None:
    """A card stands beside weights from elsewhere: labels, their file, and that figures are to be had, not that there are any."""
    card = imported_card("mine", ("upper", "lower"), network="mine.yaml", source="model_final.pth", day="2026-11-22")

    assert card.startswith("# Model card: mine\n\nFinds garments on photos")
    assert "## Figures\n\nNone: it was trained elsewhere. `deepstyle eval-detector" in card
    assert "the weights model_final.pth of detectron2's mine.yaml" in card
    assert "|" not in card
