"""A GAN that starts from one of half its size: what it makes at first, what it needs, how it is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch.nn import functional as F

from deepstyle import weights
from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.config import GanConfig, load_config
from deepstyle.dataset import Item, PackedDataset
from deepstyle.dcgan import grow
from deepstyle.dcgan.networks import Discriminator, Generator, calibrate
from deepstyle.dcgan.train import TrainedGan, train_gan
from deepstyle.dcgan.trained import open_run, save_model
from deepstyle.errors import UsageError
from deepstyle.images import encode
from deepstyle.progress import Reporter
from deepstyle.source import check_fits, find_source

QUIET = Reporter(quiet=True)
TINY = ["latent=16", "batch_size=8", "grid=4", "snapshot_every=64", "keep_snapshots=99", "precision=32"]
SMALL, LARGE = ["size=32", "width=12", "r1=0.5", "r2=0.5"], ["size=64", "width=6"]


def train(root: Path, *overrides: str) -> TrainedGan:
    config = load_config(GanConfig, "dcgan-plus-64", [*TINY, *overrides])
    random, items = np.random.default_rng(0), []
    for i in range(16):
        path = root / f"{i}.png"
        path.write_bytes(encode(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)))
        items.append(Item(source=f"s{i}", path=path, label=("full", "upper")[i % 2]))
    data = PackedDataset.pack(root / f"packed-{config.size}", items, size=config.size, fit="stretch", reporter=QUIET)
    with Catalog(root / "w") as catalog:
        source = find_source(catalog, config.start_from) if config.start_from else None
        if source is not None:
            check_fits(source, config)
        return train_gan(data, catalog, config, on_snapshot=None, reporter=QUIET, source=source)


@pytest.mark.parametrize("upsampling", ["nearest", "mixed"])
def test_a_grown_generator_makes_the_same_images_twice_as_large(upsampling: str) -> None:
    """Away from the edge, what comes before tanh is the source's, linearly interpolated, whatever its weights are."""
    torch.manual_seed(0)
    shares = torch.tensor([0.25, 0.75])
    small = Generator(32, 16, 12, shares, upsampling=upsampling)
    for parameter in small.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    large = Generator(64, 16, 6, shares, upsampling=upsampling)
    large.load_state_dict(grow.larger_generator(large.state_dict(), small.state_dict(), 32))
    z, labels = torch.randn(256, 16), torch.arange(256) % 2
    grow.settle(large, small.state_dict()[f"layers.{grow.outermost(32)}.bias"], z, labels)
    for network in (small, large):
        calibrate(network, z, 256, labels)

    with torch.no_grad():
        before = small.layers[:-1](small.told(z[:8], labels[:8])[:, :, None, None])
        after = large.layers[:-1](large.told(z[:8], labels[:8])[:, :, None, None])
    twice = F.interpolate(before, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(after[..., 1:-1, 1:-1], twice[..., 1:-1, 1:-1], rtol=1e-3, atol=1e-3)


def test_a_grown_discriminator_says_of_an_image_what_it_said_of_its_half() -> None:
    """Its logit is the source's for the means of 2 x 2 pixels, with the same labels, and its new weights can learn."""
    torch.manual_seed(0)
    small, large = Discriminator(32, 12, "none", 2), Discriminator(64, 6, "none", 2)
    for parameter in small.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    large.load_state_dict(grow.larger_discriminator(large.state_dict(), small.state_dict()))
    image, labels = torch.rand(8, 3, 64, 64) * 2 - 1, torch.arange(8) % 2
    logits = large(image, labels)
    logits.sum().backward()

    torch.testing.assert_close(logits, small(F.avg_pool2d(image, 2), labels), rtol=1e-4, atol=1e-4)
    assert all(bool(parameter.grad.abs().sum() > 0) for parameter in large.parameters() if parameter.grad is not None)


def test_a_training_of_twice_the_size_starts_from_a_run_and_from_a_model(tmp_path: Path) -> None:
    """Both networks of a run grow, a model's generator does; the inner layers are theirs to the bit."""
    source = train(tmp_path, "images=16", *SMALL)
    save_model(tmp_path / "mine", open_run(source.folder, {}), half=False)
    old = weights.load_checkpoint(source.folder / "snapshots" / "0000000016.pt")
    for start, parts in (("gan-001", ("generator", "discriminator")), (str(tmp_path / "mine"), ("average",))):
        made = train(tmp_path, "images=16", f"start_from={start}", *LARGE)
        new = weights.load_checkpoint(made.folder / "snapshots" / "0000000000.pt")

        assert made.images == 16
        for part in parts:
            moved = "layers.3.weight", "layers.3.weight"
            if part == "discriminator":
                moved = "layers.2.weight", "layers.4.weight"
            assert torch.equal(old[part][moved[0]], new[part][moved[1]])


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["size=64", "width=12"], "can grow to 64 with half its width: --set width=6"),
        (["size=64", "width=6", "norm=spectral"], "with norm none only, here it is spectral"),
        (["size=64", "width=6", "upsampling=transposed"], "with upsampling nearest or mixed only"),
        (["size=64", "width=6", "latent=8"], "its latent is 16, here it is 8"),
        (["size=128", "width=6"], "its size is 32, here it is 128"),
    ],
)
def test_what_cannot_grow_is_refused_before_any_work(tmp_path: Path, overrides: list[str], words: str) -> None:
    """The message names the source, what stands in the way, and what to set."""
    train(tmp_path, "images=16", *SMALL)
    config = load_config(GanConfig, "dcgan-plus-64", [*TINY, *overrides])
    with Catalog(tmp_path / "w") as catalog, pytest.raises(UsageError, match=words) as told:
        check_fits(find_source(catalog, "gan-001"), config)

    assert "--from gan-001" in str(told.value)


def test_the_command_halves_the_width_and_raises_the_penalty(tmp_path: Path) -> None:
    """`train-gan --from demo-garments --set size=128` chooses both, says why, and leaves what is given alone."""
    with Catalog(tmp_path):
        pass
    words = ["-w", str(tmp_path), "train-gan", "--from", "demo-garments", "--set", "size=128", "--dry-run", "--json"]
    done = CliRunner().invoke(main, words)
    given = json.loads(CliRunner().invoke(main, [*words, "--set", "r1=1"]).stdout)
    told = json.loads(done.stdout)

    assert (told["size"], told["width"], told["r1"], told["r2"]) == (128, 16, 2.0, 2.0)
    assert (given["width"], given["r1"], given["r2"]) == (16, 1.0, 2.0)
    assert "it grows from 64 to 128 px" in done.stderr
