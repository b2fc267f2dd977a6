"""A GAN that starts from one of half its size: what it makes at first, what it needs, how it is asked for."""

from __future__ import annotations

import json
import shutil
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
from deepstyle.dcgan.choose import growing
from deepstyle.dcgan.networks import Discriminator, Generator, calibrate
from deepstyle.dcgan.train import TrainedGan, train_gan
from deepstyle.dcgan.trained import open_run, save_model
from deepstyle.errors import ModelError, UsageError
from deepstyle.images import encode
from deepstyle.progress import Reporter
from deepstyle.source import Source, check_fits, find_source

QUIET = Reporter(quiet=True)
TINY = ["latent=16", "batch_size=8", "grid=4", "snapshot_every=64", "keep_snapshots=99", "precision=32"]
SMALL, LARGE = ["size=32", "width=20"], ["size=64", "width=10"]


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


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of 32 px, gan-001 in the workspace w, and its generator as the model ``mine``."""
    root = tmp_path_factory.mktemp("small")
    save_model(root / "mine", open_run(train(root, "images=16", *SMALL).folder, {}))
    return root


@pytest.fixture
def root(trained: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(trained, tmp_path / "own")


def before_tanh(network: Generator, z: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
    with torch.no_grad():
        made: torch.Tensor = network.layers[:-1](network.told(z, labels)[:, :, None, None])
    return made


def same_but_larger(large: torch.Tensor, small: torch.Tensor) -> None:
    twice = F.interpolate(small, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(large[..., 1:-1, 1:-1], twice[..., 1:-1, 1:-1], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("upsampling", ["nearest", "balanced", "mixed"])
@pytest.mark.parametrize("shares", [None, torch.tensor([0.25, 0.75])])
@pytest.mark.parametrize("synced", [False, True])
def test_a_grown_generator_makes_the_same_images_twice_as_large(
    upsampling: str, shares: torch.Tensor | None, *, synced: bool
) -> None:
    """Away from the edge, what comes before tanh is the source's, linearly interpolated, told labels or not."""
    torch.manual_seed(0)
    small = Generator(32, 16, 20, shares, upsampling=upsampling)
    for parameter in small.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    large = Generator(64, 16, 10, shares, upsampling=upsampling)
    if synced:  # as several GPUs have it
        large = torch.nn.SyncBatchNorm.convert_sync_batchnorm(large)  # type: ignore[no-untyped-call]
    large.load_state_dict(grow.larger_generator(large.state_dict(), small.state_dict(), 32))
    z, labels = torch.randn(256, 16), None if shares is None else torch.arange(256) % 2
    grow.settle(large, small.state_dict()[f"layers.{grow.outermost(32)}.bias"], z, labels)
    if not synced:
        calibrate(large, z, 256, labels)
    calibrate(small, z, 256, labels)

    same_but_larger(before_tanh(large, z, labels), before_tanh(small, z, labels))


def test_a_grown_discriminator_says_of_an_image_what_it_said_of_its_half() -> None:
    """Its logit is the source's for the means of 2 x 2 pixels, with the same labels, and all its new weights can learn."""
    torch.manual_seed(0)
    small, large = Discriminator(32, 20, "none", 2), Discriminator(64, 10, "none", 2)
    for parameter in small.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    large.load_state_dict(grow.larger_discriminator(large.state_dict(), small.state_dict()))
    image, labels = torch.rand(8, 3, 64, 64) * 2 - 1, torch.arange(8) % 2
    logits = large(image, labels)
    logits.sum().backward()
    second = dict(large.named_parameters())["layers.2.weight"]

    torch.testing.assert_close(logits, small(F.avg_pool2d(image, 2), labels), rtol=1e-4, atol=1e-4)
    assert bool((second[:, grow.PASSED :] == 0).all())
    assert second.grad is not None
    assert bool((second.grad[:, grow.PASSED :].abs().sum((0, 2, 3)) > 0).all())


@pytest.mark.parametrize("start", ["gan-001", "mine"])
def test_a_training_of_twice_the_size_starts_from_a_run_and_from_a_model(root: Path, start: str) -> None:
    """Both networks of a run grow, a model's generator does, in half precision; the first images are the source's."""
    if start == "mine":
        save_model(root / "mine", open_run(root / "w/runs/gan-001", {}), half=True)
    made = train(root, "images=16", f"start_from={start if start != 'mine' else root / 'mine'}", *LARGE)
    old = weights.load_checkpoint(root / "w/runs/gan-001/snapshots/0000000016.pt")
    new = weights.load_checkpoint(made.folder / "snapshots" / "0000000000.pt")
    z, labels = torch.randn(256, 16, generator=torch.Generator().manual_seed(0)), torch.arange(256) % 2
    images = []
    for size, width, state in ((32, 20, old["average"]), (64, 10, new["average"])):
        network = Generator(size, 16, width, torch.ones(2), upsampling="nearest")
        network.load_state_dict(state)
        calibrate(network, z, 256, labels)
        images.append(before_tanh(network, z, labels))
    twice = F.interpolate(images[0], scale_factor=2, mode="bilinear")
    apart = (images[1] - twice)[..., 1:-1, 1:-1].abs()

    assert made.images == 16
    assert float(apart.mean()) < 0.1 * float(twice.std())  # settled on other latents: not to the last digit
    if start == "gan-001":
        assert torch.equal(old["discriminator"]["layers.2.weight"], new["discriminator"]["layers.4.weight"])


def test_a_grown_run_goes_on_when_its_source_has_gone(root: Path) -> None:
    """Runs of both sizes that began from one model go on after it was removed, whichever was begun last."""
    start = f"start_from={root / 'mine'}"
    names = [train(root, "images=8", start, *size).run for size in (SMALL, LARGE)]
    shutil.rmtree(root / "mine")

    assert [train(root, "images=16", start, *size).run for size in (SMALL, LARGE)] == names


@pytest.mark.parametrize(
    ("source", "overrides", "words"),
    [
        (SMALL, ["size=64", "width=20"], "can grow to 64 with half its width: --set width=10"),
        (SMALL, ["size=64", "width=10", "norm=spectral"], "its norm is none, here it is spectral"),
        (SMALL, ["size=64", "width=10", "upsampling=mixed"], "its upsampling is nearest, here it is mixed"),
        (SMALL, ["size=64", "width=10", "latent=8"], "its latent is 16, here it is 8"),
        (SMALL, ["size=128", "width=10"], "its size is 32, here it is 128"),
        (["size=32", "width=13"], ["size=64", "width=6"], "its size is 32, here it is 64"),
        (["size=32", "width=8"], ["size=64", "width=4"], "its size is 32, here it is 64"),
        (["size=32", "width=20", "upsampling=transposed"], ["size=64", "width=10"], "its size is 32, here it is 64"),
    ],
)
def test_what_cannot_grow_is_refused_before_any_work(source: list[str], overrides: list[str], words: str) -> None:
    """The message names the source, what stands in the way, and what to set; nothing that would not help."""
    configs = [load_config(GanConfig, "dcgan-plus-64", [*TINY, *one]) for one in (source, overrides)]
    one = Source(name="gan-001", weights=None, whole=True, config=configs[0], labels=("full", "upper"), digest="")
    with pytest.raises(UsageError, match=f"^--from gan-001: .*{words}"):
        check_fits(one, configs[1])


@pytest.mark.parametrize("broken", ["missing", "short", "nan"])
def test_outer_weights_that_are_broken_are_named(root: Path, broken: str) -> None:
    """A model whose last layer lacks its bias, or has one of another length or no number in it, does not grow."""
    file = root / "mine" / "weights.safetensors"
    state, key = weights.read_weights(file), f"layers.{grow.outermost(32)}.bias"
    bias = state.pop(key)
    if broken != "missing":
        state[key] = bias[:1] if broken == "short" else bias * torch.nan
    weights.save_weights(file, state)

    with pytest.raises(ModelError, match=r"weights\.safetensors: its layers\.9\.bias is not of 3 finite numbers"):
        train(root, "images=16", f"start_from={root / 'mine'}", *LARGE)


def test_the_command_halves_the_width_and_scales_the_penalty(tmp_path: Path) -> None:
    """`train-gan --from demo-garments --set size=128` chooses both, says why, and leaves what is given alone."""
    with Catalog(tmp_path):
        pass
    words = ["-w", str(tmp_path), "train-gan", "--from", "demo-garments", "--set", "size=128", "--dry-run", "--json"]
    done = CliRunner().invoke(main, words)
    given = json.loads(CliRunner().invoke(main, [*words, "--set", "r1=1"]).stdout)
    told = json.loads(done.stdout)

    assert (told["size"], told["width"], told["r1"], told["r2"]) == (128, 16, 0.1, 0.1)
    assert (given["width"], given["r1"], given["r2"]) == (16, 1.0, 0.1)
    assert "it grows from 64 to 128 px" in done.stderr
    assert "with 1/5 of the penalty: both networks have learned" in done.stderr


def test_a_run_that_grows_keeps_its_penalty() -> None:
    """The penalty of a run goes on as it was, though there are four times the pixels: more of it is worse (docs/log.md)."""
    small, large = (load_config(GanConfig, "dcgan-plus-64", [*TINY, *size, "r1=0.3"]) for size in (SMALL, LARGE))
    one = Source(name="gan-001", weights=None, whole=True, config=small, labels=("full", "upper"), digest="")
    [choice] = growing(one, large, ())

    assert choice.settings == {"width": 10, "r1": 0.3, "r2": 0.5}
    assert "so does the penalty" in choice.reason


def test_a_dry_run_tells_what_cannot_grow(tmp_path: Path) -> None:
    """`train-gan --from RUN --set size=...` with another width, or --dry-run, is refused as the training would be."""
    with Catalog(tmp_path):
        pass
    words = ["-w", str(tmp_path), "train-gan", "--from", "demo-garments", "--set", "size=128", "--set", "width=32"]
    done = CliRunner().invoke(main, [*words, "--dry-run"])

    assert done.exit_code == 2
    assert "--set width=16" in done.output
