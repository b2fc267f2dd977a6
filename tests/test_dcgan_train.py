"""The GAN's training loop: exact resumption, samples, figures."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig, load_config
from deepstyle.dataset import Item, PackedDataset
from deepstyle.dcgan.data import Conditions, RealImages
from deepstyle.dcgan.networks import Generator
from deepstyle.dcgan.sample import file_name, generate, latents, load_generator, put_samples
from deepstyle.dcgan.train import TrainedGan, train_gan
from deepstyle.engine import batch_indices
from deepstyle.errors import ModelError, TrainingError, UsageError
from deepstyle.images import decode, encode
from deepstyle.made import Made
from deepstyle.progress import Reporter
from deepstyle.status import find_run

QUIET = Reporter(quiet=True)
TINY = [
    "size=32", "width=8", "latent=16", "batch_size=8", "grid=4", "score_samples=16", "snapshot_every=160", "precision=32",
]  # fmt: skip
MOVING = "augment=color,translation,cutout"
EVERYTHING = [
    "network=residual", "max_width=16", "norm=none", "loss=relativistic", "r1=1", "r2=1", "penalty_every=4",
    MOVING, "strength=0.2", "ada_target=0.6", "ada_images=2000", "minibatch_stddev=true",
    "condition=label", "ema_ramp=0.1", "rollbacks=1",
]  # fmt: skip


def packed(folder: Path, count: int = 40) -> PackedDataset:
    random = np.random.default_rng(0)
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    items = []
    for i in range(count):
        path = folder / "raw" / f"{i}.png"
        if not path.is_file():
            path.write_bytes(encode(random.integers(0, 256, (2, 2, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)))
        items.append(Item(source=f"s{i}", path=path, label="full"))
    return PackedDataset.pack(folder / "packed", items, size=32, fit="stretch", reporter=QUIET)


def config(*overrides: str) -> GanConfig:
    return load_config(GanConfig, "dcgan-32", [*TINY, *overrides])


def train(folder: Path, *overrides: str, fresh: bool = False) -> TrainedGan:
    with Catalog(folder) as catalog:
        return train_gan(
            packed(folder), catalog, config(*overrides), reporter=QUIET, fresh=fresh,
            on_snapshot=lambda samples: {"frechet": float(samples.mean())},
        )  # fmt: skip


def losses(folder: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (folder / "runs/gan-001/stats.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "images_per_second"} for line in lines]


@pytest.fixture(scope="module")
def straight_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which a GAN was trained on 480 images in one go."""
    folder = tmp_path_factory.mktemp("straight")
    train(folder, "images=480", MOVING)
    return folder


@pytest.fixture(scope="module")
def straight_run_with_everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with labels, lazy penalties, adaptive augmentation and a ramped average."""
    folder = tmp_path_factory.mktemp("everything")
    train(folder, "images=480", *EVERYTHING)
    return folder


def test_resuming_gives_the_bytes_of_going_straight(straight_run: Path, tmp_path: Path) -> None:
    """Training k + k images, with a restart between, give the weights, samples and losses of 2k images, byte for byte."""
    train(tmp_path, "images=240", MOVING)
    train(tmp_path, "images=480", MOVING)

    for name in ("generator.safetensors", "samples/grid-0000000480.png"):
        assert (straight_run / "runs/gan-001" / name).read_bytes() == (tmp_path / "runs/gan-001" / name).read_bytes()
    straight, resumed = losses(straight_run), losses(tmp_path)
    assert [line for line in resumed if line["images"] != 240] == [line for line in straight if line["images"] != 240]
    assert {400, 480} <= {line["images"] for line in straight}


def test_resuming_is_exact_with_every_option(straight_run_with_everything: Path, tmp_path: Path) -> None:
    """The same with labels, lazy penalties, adaptive augmentation and a ramped average: not one byte differs."""
    train(tmp_path, "images=248", *EVERYTHING)
    train(tmp_path, "images=480", *EVERYTHING)
    one, other = (root / "runs/gan-001" for root in (straight_run_with_everything, tmp_path))

    for name in ("generator.safetensors", "samples/grid-0000000480.png"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    straight, resumed = losses(straight_run_with_everything), losses(tmp_path)
    assert [line for line in resumed if line["images"] != 248] == [line for line in straight if line["images"] != 248]
    assert {400, 480} <= {line["images"] for line in straight}
    assert json.loads((one / "labels.json").read_text()) == ["full"]


def test_tensorboard_shows_the_game(straight_run_with_everything: Path) -> None:
    """Losses, D's outputs, variety, augmentation, gradients, rate, Frechet, grids, config and hparams are all there."""
    events = EventAccumulator(str(straight_run_with_everything / "runs/gan-001"), size_guidance={"images": 0}).Reload()

    assert {
        "2 GAN quality/frechet", "3 GAN game/loss/d", "3 GAN game/loss/g", "3 GAN game/loss/penalty", "3 GAN game/d/real",
        "3 GAN game/d/fake", "3 GAN game/variety", "3 GAN game/augmentation", "4 GAN machine/gradient/d",
        "4 GAN machine/gradient/g", "4 GAN machine/images_per_second", "4 GAN machine/learning_rate",
    } <= set(events.Tags()["scalars"])  # fmt: skip
    assert set(events.Tags()["images"]) == {"1 GAN samples/1 generated", "1 GAN samples/2 real garments"}
    assert {"config/text_summary", "_hparams_/experiment"} <= set(events.Tags()["tensors"]) | set(
        events.summary_metadata
    )


def test_labels_decide_what_is_generated(tmp_path: Path) -> None:
    """Trained on red and blue images under two labels, the generator makes the colour of the label it is told."""
    raw = tmp_path / "raw"
    raw.mkdir()
    items = []
    for i in range(16):
        colour = (200, 10, 10) if i % 2 else (10, 10, 200)
        (raw / f"{i}.png").write_bytes(encode(np.full((32, 32, 3), colour, np.uint8)))
        items.append(Item(source=str(i), path=raw / f"{i}.png", label="red" if i % 2 else "blue"))
    data = PackedDataset.pack(tmp_path / "packed", items, size=32, fit="stretch", reporter=QUIET)
    with Catalog(tmp_path) as catalog:
        made = train_gan(
            data, catalog, config("images=1200", "lr=0.002", "ema_images=100", "condition=label", "snapshot_every=9999"),
            on_snapshot=None, reporter=QUIET,
        )  # fmt: skip
    generator, _ = load_generator(made.folder)
    z = latents(range(16), generator.latent)
    blue, red = (generate(generator, z, torch.full((16,), label)).mean((0, 1, 2)) for label in (0, 1))

    assert json.loads((made.folder / "labels.json").read_text()) == ["blue", "red"]
    assert red[0] - red[2] > 60
    assert blue[2] - blue[0] > 60


def test_categories_need_a_judge(tmp_path: Path) -> None:
    """condition=category without categories says what makes them; with them the generator knows them."""
    told = Conditions(names=("dress", "skirt"), labels=np.arange(40) % 2)
    with Catalog(tmp_path) as catalog:
        with pytest.raises(UsageError, match="train-classifier"):
            train_gan(packed(tmp_path), catalog, config("condition=category"), on_snapshot=None, reporter=QUIET)
        made = train_gan(
            packed(tmp_path), catalog, config("condition=category", "images=80"), on_snapshot=None, reporter=QUIET,
            conditions=told,
        )  # fmt: skip

    assert json.loads((made.folder / "labels.json").read_text()) == ["dress", "skirt"]
    assert load_generator(made.folder)[0].told.shares.tolist() == [0.5, 0.5]


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    """The same command on a finished run changes no weight; fresh starts the next run."""
    first = train(tmp_path, "images=200")
    before = (first.folder / "generator.safetensors").read_bytes()
    again = train(tmp_path, "images=200")

    assert (again.run, again.images) == ("gan-001", first.images)
    assert (again.folder / "generator.safetensors").read_bytes() == before
    assert train(tmp_path, "images=200", fresh=True).run == "gan-002"


def test_a_copied_workspace_goes_on(tmp_path: Path) -> None:
    """In a copy of the workspace, with files of other times, the same command continues the run."""
    train(tmp_path / "a", "images=80")
    shutil.copytree(tmp_path / "a", tmp_path / "b", copy_function=shutil.copyfile)
    for path in (tmp_path / "b/raw").iterdir():
        os.utime(path, ns=(1, 1))
    result = train(tmp_path / "b", "images=160")

    assert (result.run, result.images) == ("gan-001", 160)
    assert [line["images"] for line in losses(tmp_path / "b") if "frechet" in line][:1] == [0]


def test_figures_at_start_and_end(tmp_path: Path) -> None:
    """on_snapshot's figures at 0 images and at the end are reported, also after a resume."""
    train(tmp_path, "images=100")
    result = train(tmp_path, "images=200")

    assert set(result.first) == set(result.last) == {"frechet"}
    assert result.images_per_second == pytest.approx(result.images / result.seconds)
    assert losses(tmp_path)[0]["images"] == 0
    assert result.first["frechet"] == losses(tmp_path)[0]["frechet"]


KILLED = """
import os, pathlib, signal, sys
sys.path.insert(0, sys.argv[2])
import test_dcgan_train
from deepstyle.dcgan.players import Players

draw = Players.draw

def die(players):
    if players.step == 53:  # 424 images: past the first look at the losses and the snapshot at 320
        os.kill(os.getpid(), signal.SIGKILL)
    return draw(players)

Players.draw = die
test_dcgan_train.train(pathlib.Path(sys.argv[1]), "images=480", test_dcgan_train.MOVING)
"""


@pytest.mark.slow
def test_kill_and_continue(straight_run: Path, tmp_path: Path) -> None:
    """After kill -9 the same command continues from the last snapshot and the loss curve is that of a straight run."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parent)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert losses(tmp_path)[-1]["images"] == 400
    train(tmp_path, "images=480", MOVING)

    assert losses(tmp_path) == losses(straight_run)


def test_every_epoch_shows_every_image_once(tmp_path: Path) -> None:
    """Batches are slices of one shuffle per epoch: 5 batches of 8 show each of 40 images once, then another order."""
    data = packed(tmp_path)
    real = RealImages(data, None, torch.device("cpu"))

    def epoch(number: int) -> list[float]:
        steps = range(5 * number, 5 * number + 5)
        batches = [real.batch(batch_indices(8 * step, 8, len(data), 0))[0] for step in steps]
        return torch.cat(batches).mean((1, 2, 3)).tolist()

    everything = (torch.from_numpy(data.images[:].copy()).float() / 127.5 - 1).mean((1, 2, 3)).tolist()
    assert sorted(epoch(0)) == pytest.approx(sorted(everything), abs=1e-5)
    assert sorted(epoch(1)) == pytest.approx(sorted(everything), abs=1e-5)
    assert epoch(0) != epoch(1)


def test_the_loop_learns_colours(tmp_path: Path) -> None:
    """Trained on images that are all dark red, the generator makes them: within 40 grey levels on average."""
    raw = tmp_path / "raw"
    raw.mkdir()
    items = []
    for i in range(16):
        (raw / f"{i}.png").write_bytes(encode(np.full((32, 32, 3), (120 + i, 10, 10), np.uint8)))
        items.append(Item(source=str(i), path=raw / f"{i}.png", label="full"))
    data = PackedDataset.pack(tmp_path / "packed", items, size=32, fit="stretch", reporter=QUIET)
    with Catalog(tmp_path) as catalog:
        made = train_gan(
            data, catalog, config("images=1000", "lr=0.002", "ema_images=100", "snapshot_every=9999"),
            on_snapshot=None, reporter=QUIET,
        )  # fmt: skip
    generator, _ = load_generator(made.folder)
    mean = generate(generator, latents(range(32), generator.latent)).mean((0, 1, 2))

    assert np.abs(mean - np.array([127, 10, 10])).max() < 40


def test_too_few_garments_are_refused(tmp_path: Path) -> None:
    """Fewer garments than one batch raise TrainingError naming both numbers."""
    with Catalog(tmp_path) as catalog, pytest.raises(TrainingError, match=r"40 garments.*batch of 64"):
        train_gan(packed(tmp_path), catalog, config("batch_size=64"), on_snapshot=None, reporter=QUIET)


def test_a_seed_means_the_same_image(tmp_path: Path) -> None:
    """Seed 5 gives the same bytes alone, among others, and in its own file."""
    torch.manual_seed(0)
    generator = Generator(32, 16, 8).eval()
    alone = generate(generator, latents([5], 16))[0]
    among = generate(generator, latents(range(10), 16))[5]
    made = generate(generator, latents(range(10), 16))
    put_samples(tmp_path, made, [file_name(seed) for seed in range(10)], range(10), Made(model="m", digest="d"))

    assert (alone == among).all()
    assert (decode((tmp_path / "seed-000005.png").read_bytes()) == among).all()


def test_missing_runs_and_generators_are_named(tmp_path: Path) -> None:
    """No run, an unknown run and a run without generator each say what to do."""
    with Catalog(tmp_path) as catalog:
        with pytest.raises(UsageError, match="deepstyle train-gan"):
            find_run(catalog)
        catalog.put_run("gan-001", "gan", status="running", images=0, figures={})
        (tmp_path / "runs/gan-001").mkdir(parents=True)
        (tmp_path / "runs/gan-001/config.yaml").write_text("kind: gan\nsize: 32\n")
        with pytest.raises(UsageError, match="gan-001"):
            find_run(catalog, "gan-007")
        with pytest.raises(ModelError, match="first snapshot"):
            load_generator(find_run(catalog))
