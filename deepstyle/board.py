"""What a run's figures and pictures are called in TensorBoard (pure). It sorts by name, so names are the layout.

The GAN comes first, and its samples first of all; then what judges them, the game, the machine; the models that led to it last.
"""

from __future__ import annotations

from collections.abc import Mapping

SAMPLES, QUALITY, GAME, MACHINE = "1 GAN samples", "2 GAN quality", "3 GAN game", "4 GAN machine"
OTHERS = {"classifier": "5 classifier", "detector": "6 detector", "masks": "7 masks", "tagger": "8 tagger"}
PICTURES = {  # of a GAN: names of the code -> names shown
    "samples/grid": "1 generated", "samples/real": "2 real garments", "samples/categories": "3 categories",
    "score/nearest": "4 nearest real garments (score)", "score/categories": "5 categories (score)",
}  # fmt: skip
MEASURES = ("frechet", "kid", "precision", "recall", "coverage", "patches")
ENGINE = ("gradient/", "weight/", "learning_rate", "images_per_second")
SHEET = 4  # columns of a sheet in TensorBoard: it shows pictures 350 pixels wide
FIRST = ("size", "loss", "lr")  # settings of the table of runs that stand right after its figures


def tag(kind: str, name: str) -> str:
    """The tag of a figure or picture ``name`` of a run of that ``kind`` (gan, classifier, detector, masks, tagger).

    >>> tag("gan", "frechet"), tag("gan", "samples/grid"), tag("detector", "loss/boxes")
    ('2 GAN quality/frechet', '1 GAN samples/1 generated', '6 detector/loss/boxes')
    """
    if kind != "gan":
        return f"{OTHERS.get(kind, kind)}/{name}"
    if name in PICTURES:
        return f"{SAMPLES}/{PICTURES[name]}"
    group, _, measure = name.rpartition("/")
    if name == "copies":
        return f"{QUALITY}/{name}"
    if group in {"weave", "ground"}:
        return f"{QUALITY}/" + (f"weave at {measure} px" if group == "weave" else f"ground ({measure})")
    if measure in MEASURES:
        return f"{QUALITY}/{name}" if not group else f"{QUALITY}/{measure} ({group})"
    return f"{MACHINE if name.startswith(ENGINE) else GAME}/{name}"


def table_row(
    settings: Mapping[str, object], figures: Mapping[str, float], images: int
) -> dict[str, int | float | str]:
    """A GAN run's row in the table of runs (HPARAMS): what it reached, then its settings.

    The table has the settings before the metrics, sorted by name, and shows the first five: the figures go among them.
    """
    reached = {"frechet": figures["frechet"]} if "frechet" in figures else {}
    first = {**reached, "images seen": images, **{name: settings[name] for name in FIRST}}
    rest = {name: value for name, value in settings.items() if name not in FIRST}
    named = {f"{number} {name}": value for number, (name, value) in enumerate(first.items(), start=1)} | rest
    return {name: value if isinstance(value, int | float | str) else str(value) for name, value in named.items()}
