"""EfficientNet-Lite0 as a detector's body: its norms, its published names, what is trained, other light."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from deepstyle.config import DetectorConfig, load_config
from deepstyle.detector.inference import fold_norms
from deepstyle.detector.light import motion_blur, relight
from deepstyle.detector.lite import CHANNELS, ConvNorm, from_published, lite0_body
from deepstyle.detector.networks import DetectorInTraining, build_network, start_from_imagenet
from deepstyle.detector.train import parameter_groups
from deepstyle.engine import seeded
from deepstyle.errors import ModelError
from deepstyle.pretrained import imagenet
from deepstyle.progress import Reporter

PARTS = {"widen.conv": "_expand_conv", "widen.norm": "_bn0", "each.conv": "_depthwise_conv", "each.norm": "_bn1",
         "narrow.conv": "_project_conv", "narrow.norm": "_bn2"}  # fmt: skip


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


def published(body: nn.Sequential) -> dict[str, Tensor]:
    """The body's weights under the names of the package, with a classifier behind them."""
    blocks = [f"{stage}.{k}" for stage, part in body.named_children() if stage != "stem" for k in range(len(part))]  # type: ignore[arg-type]
    state = {}
    for key, value in body.state_dict().items():
        if key.startswith("stem."):
            state[key.replace("stem.conv", "_conv_stem").replace("stem.norm", "_bn0")] = value
            continue
        stage, place, part, layer, what = key.split(".")
        state[f"_blocks.{blocks.index(f'{stage}.{place}')}.{PARTS[f'{part}.{layer}']}.{what}"] = value
    return state | {"_conv_head.weight": torch.zeros(1280, 320, 1, 1), "_bn1.bias": torch.zeros(1280),
                    "_fc.bias": torch.zeros(1000)}  # fmt: skip


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


def test_published_names_lead_to_ours() -> None:
    """Weights under the package's names fill the whole body, each at its place; the classifier is left out."""
    torch.manual_seed(0)
    body = settled(lite0_body())
    state = body.state_dict()
    renamed = from_published(published(body))  # type: ignore[arg-type]

    assert renamed.keys() == state.keys()
    assert all(torch.equal(renamed[name], value) for name, value in state.items())


def test_a_detector_starts_from_them_and_trains_the_rest() -> None:
    """The detector takes the published weights; its first stages do not learn, its body at a share of the rate."""
    torch.manual_seed(0)
    config = load_config(DetectorConfig, "lite0-256", ["width=8"])
    network = build_network(config, 3)
    body = settled(lite0_body())
    start_from_imagenet(network, published(body))  # type: ignore[arg-type]
    others, inside = parameter_groups(DetectorInTraining(network, 0, 0.0), config)

    assert torch.equal(
        network.backbone.body.stage7[0].narrow.conv.weight, body.state_dict()["stage7.0.narrow.conv.weight"]
    )
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
