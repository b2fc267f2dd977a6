"""How good generated garments are: score."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from deepstyle.commands.early import check_score
from deepstyle.commands.options import Session, json_option, open_catalog
from deepstyle.commands.tables import show, significant
from deepstyle.errors import UsageError


@click.command()
@json_option
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--run", help="Name of the GAN run; the newest otherwise.")
@click.option("--model", metavar="NAME|FOLDER", help="Score a generator's model in place of a run.")
@click.option("--against", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR",
              help="Real images to compare with; the workspace's garments otherwise.")  # fmt: skip
@click.option("--classifier", help="The judge; the newest, or the one that ships, otherwise.")
@click.option(
    "--count", type=click.IntRange(64, 1_000_000), default=1000, show_default=True, help="Images to score, at most."
)
@click.pass_obj
def score(session: Session, /, **options: Any) -> None:
    """Score samples against real garments.

    They are a run's, a model's, or the images of a FOLDER, whatever made them.

    Frechet distance, KID, precision, recall and coverage on the classifier's features, its categories over the samples,
    copies of real garments among the samples, and the nearest real garments of 8 samples with the pages they came from;
    what it comes to in words.

    \b
    Example:
        deepstyle score --count 2000
        deepstyle score --model demo-garments
        deepstyle score others-samples/ --against photos/
    """
    if sum(options[name] is not None for name in ("folder", "run", "model")) > 1:
        raise UsageError("score takes one of FOLDER, --run and --model")
    from deepstyle.traces import place_of

    with open_catalog(session, must_exist=options["against"] is None) as catalog:
        check_score(session, catalog, options)  # before torch is imported
        from deepstyle.classifier.find import weak_judge
        from deepstyle.scoring import Wanted, score_wanted

        scored = score_wanted(catalog, Wanted(**options), reporter=session.reporter)
        weak = weak_judge(catalog, options["classifier"])
    result, path = scored.score, scored.path
    rows = {
        "Frechet distance": f"{result.frechet:.2f} ({result.samples:,} samples, {result.real:,} garments)",
        "features of": result.features,
        "KID": f"{significant(result.kid)} ± {significant(result.kid_std)}", "precision": f"{result.precision:.2f}",
        "recall": f"{result.recall:.2f}", "coverage": f"{result.coverage:.2f}",
        "patches": f"{result.patches:.1f} (a second judge, without a network)",
        "confidence": f"{result.confidence:.2f} on samples, {result.real_confidence:.2f} on garments",
        "categories of samples": _shares(result.histogram), "of garments": _shares(result.real_histogram),
        "nearest garments": scored.sheet,
    }  # fmt: skip
    names = result.names or [""] * len(result.nearest)
    pages = {
        f"sample {number}": (f"{name}: " if name else "")
        + f"nearest garment from {place_of(row[0].page_url, row[0].image_url)}"
        for number, (name, row) in enumerate(zip(names, result.nearest, strict=False), 1)
    }
    words = {"in words" if not number else f"  {number + 1}": said for number, said in enumerate(result.said)}
    show(f"the score is in {path}", rows | pages | words, weak=weak, file=path, **asdict(result))


def _shares(values: dict[str, float]) -> str:
    top = sorted(values.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{key} {share:.0%}" for key, share in top if share >= 0.005)
