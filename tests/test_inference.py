"""The fast path of the detector against torchvision's own forward pass."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN

from deepstyle.config import DetectorConfig, load_config
from deepstyle.detector.align import roi_align
from deepstyle.detector.inference import Detections, Inference, fold_norms
from deepstyle.detector.networks import build_network
from deepstyle.detector.resize import to_network
from deepstyle.detector.torchvision_backend import TorchvisionDetector
from deepstyle.images import Pixels

CPU = torch.device("cpu")
SMALLER = ("pretrained=false", "image_size=128", "max_size=192", "proposals=50")
Build = Callable[..., tuple[FasterRCNN, DetectorConfig]]


def build(preset: str, *overrides: str) -> tuple[FasterRCNN, DetectorConfig]:
    """A network with random weights and with norms that have seen something, as after training."""
    config = load_config(DetectorConfig, preset, ["precision=32", *overrides])
    torch.manual_seed(3)
    made = build_network(config, 3)
    seen = made.transform([torch.from_numpy(photos()[0]).permute(2, 0, 1) / 255])[0].tensors
    for module in made.backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    made.backbone(seen)  # in training mode: the norms learn what they see
    spread = made.eval().backbone(seen)["0"].std().item()
    for block in made.backbone.fpn.layer_blocks:
        block[0].weight.data.mul_(10 / spread)  # so that scores differ, and are not all 0 or 1
    return made, config


@pytest.fixture(scope="module")
def network() -> Build:
    """``build``, which makes each network once for the tests of this file: they leave it as it is."""
    return cache(build)


def photos() -> list[Pixels]:
    random = np.random.default_rng(5)
    coarse = [random.integers(0, 255, (h, w, 3), np.uint8) for h, w in ((20, 14), (11, 20))]
    return [photo.repeat(16, 0).repeat(16, 1) for photo in coarse]


def reference(made: FasterRCNN, batch: list[Pixels]) -> list[dict[str, Tensor]]:
    with torch.inference_mode():
        found: list[dict[str, Tensor]] = made([torch.from_numpy(p).permute(2, 0, 1).float() / 255 for p in batch])
    return found


@pytest.mark.parametrize(
    ("preset", "overrides"),
    [
        ("small-256", ()),
        ("mobilenet-320", ()),
        ("r50-fpn-v2", SMALLER),
        ("r50-fpn", SMALLER),
    ],
)
def test_boxes_are_those_of_torchvision(network: Build, preset: str, overrides: tuple[str, ...]) -> None:
    """In float32 every box, label and score of a batch of two shapes is the plain network's, to a twentieth of a pixel."""
    made, config = network(preset, *overrides)
    batch = [to_network(photo, config) for photo in photos()]
    fast = Inference(made, device=CPU, dtype=torch.float32)(batch)
    for found, expected in zip(fast, reference(made, batch), strict=True):
        assert len(found.boxes) == len(expected["boxes"]) > 0
        rows = torch.cat([found.boxes, 1000 * found.labels[:, None], 100 * found.scores[:, None]], 1)
        wanted = torch.cat(
            [expected["boxes"], 1000 * expected["labels"][:, None], 100 * expected["scores"][:, None]], 1
        )
        nearest = torch.cdist(wanted, rows, compute_mode="donot_use_mm_for_euclid_dist").min(1)
        assert nearest.values.max() < 0.05
        assert sorted(nearest.indices.tolist()) == list(range(len(rows)))


def test_photos_in_one_colour_light_are_seen_as_in_white(network: Build) -> None:
    """Of two photos of a batch, the red one reaches the network with three equal channels, the grey one as it is."""
    made, config = network("small-256")
    grey = to_network(photos()[0][..., :1].repeat(3, 2), config)
    red = (grey * np.array([1.0, 0.3, 0.3])).astype(np.uint8)
    mean, std = (torch.tensor(v)[:, None, None] for v in (made.transform.image_mean, made.transform.image_std))
    seen = Inference(made, device=CPU, dtype=torch.float32).batch([grey, red]) * std + mean
    seen = seen[..., : len(grey), : grey.shape[1]]

    assert torch.allclose(seen[0], torch.from_numpy(grey).permute(2, 0, 1) / 255, atol=1e-5)
    assert (seen[1] - seen[0] * 1.6 / 3).abs().max() < 0.01


def test_bfloat16_rounds_no_coordinates(network: Build) -> None:
    """In bfloat16 the boxes still have coordinates between its steps (autocast's are whole pixels beyond 128)."""
    made, config = network("small-256")
    found = Inference(made, device=CPU, dtype=torch.bfloat16)([to_network(photo, config) for photo in photos()])
    corners = torch.cat([row.boxes for row in found])
    far = corners[(corners > 128) & (corners < 255)]

    assert len(far)
    assert bool((far != far.bfloat16().float()).any())
    assert corners.dtype == torch.float32


def test_roi_align_is_torchvisions() -> None:
    """The gather gives torchvision's RoIAlign on each level, beyond the borders too, within 1e-4."""
    torch.manual_seed(0)
    maps = [torch.randn(2, 5, 24, 16), torch.randn(2, 5, 12, 8), torch.randn(2, 5, 6, 4)]
    boxes = torch.rand(60, 4) * torch.tensor([100.0, 160.0, 60.0, 80.0]) - torch.tensor([10.0, 10.0, 0.0, 0.0])
    boxes[:, 2:] += boxes[:, :2]
    photo, level = torch.randint(0, 2, (60,)), torch.randint(0, 3, (60,))
    for samples in (1, 2, 3):
        pooled = roi_align(maps, (8, 16, 32), boxes, photo, level, cells=7, samples=samples)
        for k, stride in enumerate((8, 16, 32)):
            rois = torch.cat([photo[:, None].float(), boxes], 1)[level == k]
            expected = torchvision.ops.roi_align(maps[k], rois, 7, 1 / stride, samples)
            got = pooled[level == k].view(-1, 7, 7, 5).permute(0, 3, 1, 2)
            assert torch.allclose(got, expected, atol=1e-4)


def test_no_norm_is_left(network: Build) -> None:
    """Folding leaves no batch norm behind, whatever the backbone, and answers alike."""
    for preset, overrides in (("small-256", ()), ("mobilenet-320", ()), ("r50-fpn", SMALLER)):
        backbone = deepcopy(network(preset, *overrides)[0].backbone)
        picture = torch.rand(1, 3, 64, 64)
        before = backbone(picture)
        fold_norms(backbone)
        assert not [m for m in backbone.modules() if "BatchNorm" in type(m).__name__]
        for key, value in backbone(picture).items():
            assert torch.allclose(value, before[key], atol=1e-3, rtol=1e-3)


def test_the_network_given_stays_as_it_was(network: Build) -> None:
    """Arranging a network for speed changes neither its weights nor its norms."""
    made, config = network("small-256")
    before = {key: value.clone() for key, value in made.state_dict().items()}
    Inference(made, device=CPU, dtype=torch.bfloat16)([to_network(photos()[0], config)])

    assert all(torch.equal(value, before[key]) for key, value in made.state_dict().items())


def test_no_photo_disturbs_another(network: Build) -> None:
    """A strip and a square in one batch get the boxes they get alone (float32; padding reaches a few border pixels)."""
    made, config = network("small-256", "image_size=64", "max_size=128")
    detector = TorchvisionDetector(made, config, ("a", "b", "c"), "x@0")
    random = np.random.default_rng(1)
    strip, square = (random.integers(0, 255, (h, w, 3), np.uint8) for h, w in ((20, 300), (128, 128)))
    detector.detect([strip])  # the first shape a network sees must not set the scale of the next
    again = detector.detect([square])[0]
    fresh = TorchvisionDetector(made, config, ("a", "b", "c"), "x@0").detect([square])[0]

    assert again == fresh


def test_threads_share_out_the_photos(network: Build) -> None:
    """With several threads each photo of a batch gets the boxes it gets alone, in the order of the photos."""
    made, config = network("small-256")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        detector = TorchvisionDetector(made, config, ("a", "b", "c"), "x@0")
        first = photos()[0]
        many = [first, first[::-1], first[:, ::-1], first[::-1, ::-1], 255 - first]
        together = detector.detect(many)
    finally:
        torch.set_num_threads(before)
    for photo, boxes in zip(many, together, strict=True):
        alone = detector.detect([photo])[0]
        assert len(alone) == len(boxes) > 0
        assert np.allclose([b.corners for b in alone], [b.corners for b in boxes], atol=1.0)


def test_resizing_is_that_of_training() -> None:
    """A photo reaches the network as Pillow's bilinear resizing would bring it, within one level."""
    from PIL import Image

    config = load_config(DetectorConfig, "small-256")
    photo = photos()[0]
    resized = to_network(photo, config)
    expected = np.asarray(
        Image.fromarray(photo).resize((resized.shape[1], resized.shape[0]), Image.Resampling.BILINEAR)
    )

    assert min(resized.shape[:2]) == 256
    assert np.abs(resized.astype(int) - expected).max() <= 1


def test_a_photo_without_regions_has_no_boxes(network: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proposal at all is an answer, not an error."""
    made, config = network("small-256")
    monkeypatch.setattr(made.rpn, "min_size", 10_000)
    found = Inference(made, device=CPU, dtype=torch.float32)([to_network(photos()[0], config)])[0]

    assert isinstance(found, Detections)
    assert len(found.boxes) == len(found.scores) == 0
