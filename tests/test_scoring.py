"""Scoring folders of images, models and runs: what is named, where it goes, and what is said."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from test_copies import drawn
from torch import nn

from deepstyle.classifier.build import build_network
from deepstyle.classifier.network import Classifier, Preprocessing
from deepstyle.cli import main
from deepstyle.commands.tables import significant
from deepstyle.config import ClassifierConfig, load_config, to_yaml
from deepstyle.files import put_file
from deepstyle.images import Pixels, encode, resize
from deepstyle.scoring import Judge


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small classifier with random weights."""
    folder = tmp_path_factory.mktemp("models") / "eye"
    torch.manual_seed(0)
    config = load_config(ClassifierConfig, "classifier-64", ["network=small", "pretrained=false", "width=8"])
    network = build_network("small", 2, width=8)
    Classifier(network, Preprocessing(image_size=32), ("dress", "skirt"), "eye").save(folder, to_yaml(config), {})
    return folder


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pictures in a folder, and a file that is none."""
    folder = tmp_path_factory.mktemp("real")
    fill(folder, drawn(40, seed=0))
    put_file(folder / "broken.png", b"no picture")
    return folder


def fill(folder: Path, pixels: Pixels) -> None:
    """Write images as files."""
    for k, one in enumerate(pixels):
        put_file(folder / f"{k:03d}.png", encode(one))


def test_a_folder_is_scored_from_the_command_line(tmp_path: Path, judge: Path, real: Path) -> None:
    """Others' samples of any size are judged against a folder; score.json names the judge and how it looks; words end it."""
    made = drawn(24, seed=5)
    made[1] = drawn(40, seed=0)[4]
    fill(tmp_path / "others", np.stack([resize(one, 72, "stretch") for one in made]))
    put_file(tmp_path / "others" / "torn.png", b"no picture")
    done = CliRunner().invoke(main, [
        "-w", str(tmp_path / "w"), "score", str(tmp_path / "others"), "--against", str(real), "--classifier", str(judge),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "w/scores/others/score.json").read_text())
    features = told["judges"]["features"]

    assert (told["samples"], told["real"]) == (24, 40)
    assert features["weights"].startswith("eye@")
    assert (features["preprocessing"]["image_size"], features["mirror"]) == (32, False)
    assert features["of"] == str(tmp_path / "others")
    assert (features["draw"], features["files"], features["unread"]) == (0, 25, 1)
    assert [(one["sample"], Path(one["source"]).name) for one in told["copies"]] == [(2, "004.png")]
    assert "1 of 24 look like copies: sample 2 (001.png) of" in done.output.replace("\n", " ")
    assert told["names"] == [f"{k:03d}.png" for k in range(24)]
    assert re.search(
        r"^  sample 8 +007\.png: nearest garment from", done.output, re.MULTILINE
    )  # no name widens the table
    assert "variety" in done.output
    assert "others: 1 of 25 files cannot be read" in done.output
    assert (tmp_path / "w/scores/others/nearest.png").is_file()


@pytest.mark.parametrize("side", ["pictures", "real garments"])
def test_a_folder_of_too_few_pictures_is_named(tmp_path: Path, judge: Path, real: Path, side: str) -> None:
    """Fewer pictures than a score needs, on either side, are refused with the folder, their number and the number needed."""
    fill(tmp_path / "few", drawn(5, seed=5))
    folders = (tmp_path / "few", real) if side == "pictures" else (real, tmp_path / "few")
    done = CliRunner().invoke(main, [
        "-w", str(tmp_path / "w"), "score", str(folders[0]), "--against", str(folders[1]), "--classifier", str(judge),
    ])  # fmt: skip

    assert done.exit_code == 1
    assert f"{tmp_path / 'few'}: 5 {side} are too few for a score, which needs 6" in done.output.replace("\n", "")


def test_the_class_takes_pixels_and_folders(judge: Path, real: Path) -> None:
    """Judge.score reads folders at the samples' size; at equal counts real pictures are nearer than noise."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 48, 48, 3)).astype(np.uint8)
    score, sheet = Judge.open(str(judge)).score(noise, real, seed=7)

    assert score.judges["features"]["seed"] == 7
    assert score.equal["samples"]["count"] == score.equal["real"]["count"] == 20
    assert score.equal["samples"]["frechet"] > score.equal["real"]["frechet"]
    assert score.nearest[0][0].image_url.startswith(str(real))
    assert sheet.ndim == 3


def test_folders_are_scored_at_the_samples_size(judge: Path, tmp_path: Path) -> None:
    """Judge.score looks at small samples and large photos at the size of the samples, as the command does."""
    fill(tmp_path / "samples", drawn(6, seed=1))
    fill(tmp_path / "photos", drawn(6, seed=2).repeat(3, 1).repeat(3, 2))
    eye, sizes = Judge.open(str(judge)), set[int]()
    look = eye.classifier.embed

    def noting(pixels: Pixels, **how: Any) -> Any:
        sizes.add(pixels.shape[1])
        return look(pixels, **how)

    eye.classifier.embed = noting  # type: ignore[method-assign]
    eye.score(tmp_path / "samples", tmp_path / "photos")

    assert sizes == {64}


def test_one_thing_is_scored_at_a_time(tmp_path: Path, real: Path) -> None:
    """A folder together with a run is refused."""
    done = CliRunner().invoke(
        main, ["-w", str(tmp_path), "score", str(real), "--run", "gan-001", "--against", str(real)]
    )

    assert done.exit_code == 2
    assert "one of FOLDER, --run and --model" in done.output


@pytest.mark.parametrize(
    ("value", "words"), [(4582.06, "4,582"), (272.46, "272.5"), (0.00101234, "0.001012"), (-0.0123456, "-0.01235")]
)
def test_figures_have_four_digits(value: float, words: str) -> None:
    """KID is told to four significant digits, whatever its scale."""
    assert significant(value) == words


def test_a_quick_look_is_another_judge(judge: Path) -> None:
    """A look without the mirror at another size has another identity, and the features of that size."""
    whole = Classifier.load(judge)
    quick, again = whole.quick(16), whole.quick(16)

    assert len({whole.identity, quick.identity}) == 2
    assert quick.identity == again.identity
    assert (whole.quick().image_size, quick.image_size, quick.tta) == (32, 16, "none")


def test_lite0_looks_quickly_with_the_maps_of_a_stage() -> None:
    """Its quick look is at 64 pixels with 112 features, the means of a stage's maps; what it calls an image stays."""
    torch.manual_seed(0)
    lite = Classifier(build_network("lite0", 3), Preprocessing(image_size=160), ("a", "b", "c"), "eye")
    quick, picture = lite.quick(), drawn(1, seed=0)
    body = quick.network.get_submodule("body")
    assert isinstance(body, nn.Sequential)
    features, probabilities = quick.embed(picture)
    with torch.inference_mode():
        maps = body[:6](quick.preprocessing(torch.from_numpy(picture).permute(0, 3, 1, 2).float() / 255))

    assert (quick.image_size, quick.feature_size, quick.describe()["stage"]) == (64, 112, "stage5")
    assert features[0] == pytest.approx(maps.mean(dim=(2, 3))[0].numpy(), abs=1e-4)
    assert probabilities == pytest.approx(lite.quick(64).embed(picture)[1], abs=1e-6)
    assert lite.embed(picture, tta="none")[0].shape == (1, 1280)
