"""The views of an image whose mean is its judgement."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from test_predict import picture, save_colours
from torchvision.transforms.v2.functional import ten_crop

from deepstyle.classifier.augment import to_float
from deepstyle.classifier.network import Classifier
from deepstyle.classifier.views import Tta, resized, views
from deepstyle.cli import main
from deepstyle.config import ClassifierConfig, load_config, to_yaml

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 46, 46, 3)).astype(np.uint8)
IMAGES = to_float(PIXELS, torch.device("cpu"))


def test_ten_crops_are_torchvisions() -> None:
    """Corners and middle with their mirror images, of a square a little larger than the view, as torchvision cuts them."""
    expected = {one.numpy().tobytes() for one in ten_crop(IMAGES, [40, 40])}
    found = list(views(IMAGES, 40, "ten"))

    assert len(found) == 10
    assert {one.numpy().tobytes() for one in found} == expected


def test_eighteen_crops_hold_the_ten() -> None:
    """Three by three places and their mirror images, no two alike; the ten crops are among them."""
    ten, eighteen = ([one.numpy().tobytes() for one in views(IMAGES, 32, tta)] for tta in ("ten", "eighteen"))

    assert len(set(eighteen)) == 18
    assert set(ten) < set(eighteen)


def test_without_crops_the_whole_image_is_seen() -> None:
    """``none`` is the image at the network's size, ``mirror`` that and its mirror image."""
    whole = resized(IMAGES, 32)

    assert [torch.equal(one, whole) for one in views(IMAGES, 32, "none")] == [True]
    assert torch.equal(torch.cat(list(views(IMAGES, 32, "mirror"))), torch.cat([whole, whole.flip(3)]))


@pytest.mark.parametrize("tta", get_args(Tta))
def test_the_judgement_is_the_mean_of_the_views(tmp_path: Path, tta: Tta) -> None:
    """Features are the mean of what is seen in each view; the setting travels in the model folder and names the judge."""
    folder = save_colours(tmp_path / "colours")
    config = load_config(ClassifierConfig, folder / "config.yaml", [f"tta={tta}"])
    (folder / "config.yaml").write_text(to_yaml(config))
    judge, usual = Classifier.load(folder), Classifier.load(save_colours(tmp_path / "usual"))
    seen = [(one * 255).round().byte().permute(0, 2, 3, 1).numpy() for one in views(IMAGES, 32, tta)]
    expected = np.mean([usual.embed(one, tta="none")[0] for one in seen], axis=0)

    assert judge.tta == tta
    assert judge.embed(PIXELS)[0] == pytest.approx(expected, abs=0.02)
    assert (judge.describe() == {**usual.describe(), "weights": judge.weights_name}) == (tta == "mirror")


def test_predict_takes_views(tmp_path: Path) -> None:
    """``--tta ten`` names the same colours; an unknown way of looking is refused with those that are known."""
    model = save_colours(tmp_path / "colours")
    (tmp_path / "green.png").write_bytes(picture(1))
    words = ["predict", str(tmp_path / "green.png"), "--model", str(model)]
    told, wrong = (CliRunner().invoke(main, [*words, "--tta", tta]) for tta in ("ten", "twelve"))

    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("green")
    assert "eighteen" in wrong.output
