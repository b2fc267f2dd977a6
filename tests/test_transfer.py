"""Training from weights that are there: what is taken, what does not fit, what makes a run the same."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from deepstyle import weights
from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.config import CIRCUMSTANCES, GanConfig, load_config
from deepstyle.dataset import Item, PackedDataset
from deepstyle.dcgan.choose import going_on
from deepstyle.dcgan.train import TrainedGan, train_gan
from deepstyle.dcgan.trained import open_run, rival_of, save_model
from deepstyle.errors import InputError, ModelError, UsageError
from deepstyle.images import encode
from deepstyle.progress import Reporter
from deepstyle.source import check_fits, find_source

QUIET = Reporter(quiet=True)
TINY = [
    "size=32",
    "width=4",
    "latent=16",
    "batch_size=8",
    "grid=4",
    "snapshot_every=64",
    "keep_snapshots=99",
    "precision=32",
]


def packed(folder: Path, labels: tuple[str, ...]) -> PackedDataset:
    random = np.random.default_rng(0)
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    items = []
    for i in range(16):
        path = folder / "raw" / f"{i}.png"
        if not path.is_file():
            path.write_bytes(encode(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)))
        items.append(Item(source=f"s{i}", path=path, label=labels[i % len(labels)]))
    return PackedDataset.pack(folder / "-".join(labels), items, size=32, fit="stretch", reporter=QUIET)


def train(
    root: Path, *overrides: str, labels: tuple[str, ...] = ("full", "upper"), preset: str = "dcgan-plus-64",
    reporter: Reporter = QUIET,
) -> TrainedGan:  # fmt: skip
    config = load_config(GanConfig, preset, [*TINY, *overrides])
    with Catalog(root) as catalog:
        source = find_source(catalog, config.start_from) if config.start_from else None
        return train_gan(packed(root, labels), catalog, config, on_snapshot=None, reporter=reporter, source=source)


def state(made: TrainedGan, images: int) -> dict[str, dict[str, torch.Tensor]]:
    return weights.load_checkpoint(made.folder / "snapshots" / f"{images:010d}.pt")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor], *, but: str = "told.shares") -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one if key != but)


@pytest.mark.parametrize("preset", ["dcgan-32", "residual-64"])
def test_a_run_gives_both_networks(tmp_path: Path, preset: str) -> None:
    """At 0 images the new run's networks are those of the source's last snapshot; its optimisers are new."""
    more = ["max_width=8", "norm=spectral"] if preset == "residual-64" else []
    source = train(tmp_path, "images=16", *more, preset=preset)
    made = train(tmp_path, "images=16", "start_from=gan-001", *more, preset=preset)
    old, new = state(source, 16), state(made, 0)

    assert (made.run, made.images) == ("gan-002", 16)
    assert same(new["generator"], old["generator"])
    assert same(new["discriminator"], old["discriminator"])
    assert same({k: v for k, v in new["average"].items() if "running" not in k and "tracked" not in k},
                {k: v for k, v in old["average"].items() if "running" not in k and "tracked" not in k})  # fmt: skip
    assert not new["g_optimizer"]["state"]
    assert not same(state(made, 16)["generator"], old["generator"])


def test_a_model_gives_its_generator(tmp_path: Path) -> None:
    """A model folder fills generator and average, in half precision too; the discriminator is that of a new run."""
    source = train(tmp_path, "images=16")
    save_model(tmp_path / "mine", open_run(source.folder, {}), half=True)
    told = io.StringIO()
    made = train(tmp_path, "images=8", f"start_from={tmp_path / 'mine'}", reporter=Reporter(stream=told))
    fresh = train(tmp_path, "images=8")
    given = weights.read_weights(tmp_path / "mine" / "weights.safetensors")

    learned = {key: value.float() for key, value in given.items() if "running" not in key and "tracked" not in key}
    for part in ("generator", "average"):
        assert all(torch.equal(state(made, 0)[part][key], value) for key, value in learned.items())
    assert same(state(made, 0)["discriminator"], state(fresh, 0)["discriminator"])
    assert "this model holds no discriminator" in told.getvalue()


def test_a_model_with_its_discriminator_gives_both_networks(tmp_path: Path) -> None:
    """What a run's last snapshot has of the discriminator stands beside a model's weights, and fills that of a new run."""
    source = train(tmp_path, "images=16")
    rival = rival_of(source.folder)
    save_model(tmp_path / "mine", open_run(source.folder, {}), rival=rival)
    told = io.StringIO()
    made = train(tmp_path, "images=8", f"start_from={tmp_path / 'mine'}", reporter=Reporter(stream=told))

    assert same(state(made, 0)["discriminator"], state(source, 16)["discriminator"])
    assert "both networks" in told.getvalue()
    assert rival_of(tmp_path / "runs" / "nobody") is None
    (tmp_path / "mine" / "discriminator.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"discriminator\.safetensors"):
        train(tmp_path, "images=8", f"start_from={tmp_path / 'mine'}")


def test_a_kind_of_upsampling_goes_on_as_another_of_the_same_shapes(tmp_path: Path) -> None:
    """A run with nearest upsampling goes on with balanced kernels, from the same weights."""
    source = train(tmp_path, "images=16")
    made = train(tmp_path, "images=8", "start_from=gan-001", "upsampling=balanced")

    assert same(state(made, 0)["generator"], state(source, 16)["generator"])


def test_labels_known_by_name_keep_their_vectors(tmp_path: Path) -> None:
    """A label of the source keeps its vectors wherever it stands now; a new one gets fresh ones, and that is said."""
    source = train(tmp_path, "images=16")  # full, upper
    told = io.StringIO()
    made = train(tmp_path, "images=8", "start_from=gan-001", labels=("dress", "upper"), reporter=Reporter(stream=told))
    old, new = state(source, 16), state(made, 0)

    assert torch.equal(new["generator"]["told.vectors.weight"][1], old["generator"]["told.vectors.weight"][1])
    assert not torch.equal(new["generator"]["told.vectors.weight"][0], old["generator"]["told.vectors.weight"][0])
    assert torch.equal(
        new["discriminator"]["projection.vectors.weight"][1], old["discriminator"]["projection.vectors.weight"][1]
    )
    assert new["generator"]["told.shares"].tolist() == [0.5, 0.5]
    assert "fresh label vectors: dress" in told.getvalue()
    assert json.loads((made.folder / "labels.json").read_text()) == ["dress", "upper"]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("width=16", "its width is 4, here it is 16"),
        ("latent=8", "its latent is 16, here it is 8"),
        ("condition=none", "its condition is label, here it is none"),
        ("norm=spectral", "its norm is none, here it is spectral"),
        ("network=residual upsampling=transposed", "its network is dcgan, here it is residual"),
    ],
)
def test_another_architecture_is_refused_by_the_setting_that_differs(tmp_path: Path, override: str, words: str) -> None:
    """A source whose weights cannot fit is refused before any work, by the setting, both values and the remedy."""
    train(tmp_path, "images=8")
    with Catalog(tmp_path) as catalog, pytest.raises(UsageError, match=words) as caught:
        check_fits(find_source(catalog, "gan-001"), load_config(GanConfig, "dcgan-plus-64", [*TINY, *override.split()]))

    assert "--set" in str(caught.value)


def test_the_source_is_part_of_what_a_run_is(tmp_path: Path) -> None:
    """The same command continues its run; other weights under the same name, or none, make another."""
    train(tmp_path, "images=8")
    save_model(tmp_path / "mine", open_run(tmp_path / "runs/gan-001", {}))
    start = f"start_from={tmp_path / 'mine'}"
    names = [train(tmp_path, "images=16", start).run, train(tmp_path, "images=24", start).run]
    other = weights.read_weights(tmp_path / "mine" / "weights.safetensors")
    weights.save_weights(tmp_path / "mine" / "weights.safetensors", {key: value + 1 for key, value in other.items()})
    names += [train(tmp_path, "images=24", start).run, train(tmp_path, "images=24").run]

    assert names[:3] == ["gan-002", "gan-002", "gan-003"]
    assert names[3] not in {"gan-002", "gan-003"}


def test_a_run_that_was_begun_needs_its_source_no_more(tmp_path: Path) -> None:
    """When the source has gone, the same command goes on, or says that there is nothing to go on with."""
    train(tmp_path, "images=8")
    save_model(tmp_path / "mine", open_run(tmp_path / "runs/gan-001", {}))
    start = f"start_from={tmp_path / 'mine'}"
    train(tmp_path, "images=16", start)
    shutil.rmtree(tmp_path / "mine")

    assert train(tmp_path, "images=24", start).run == "gan-002"
    shutil.rmtree(tmp_path / "runs" / "gan-002" / "snapshots")
    with pytest.raises(UsageError, match="it has gone"):
        train(tmp_path, "images=32", start)
    with Catalog(tmp_path) as catalog, pytest.raises(UsageError, match="no gan of that name"):
        find_source(catalog, "nothing")


def test_a_source_that_is_broken_is_named(tmp_path: Path) -> None:
    """A run without snapshots, and weights of other labels than the folder says, are told by name."""
    made = train(tmp_path, "images=8")
    (made.folder / "labels.json").write_text('["full"]')
    with pytest.raises(ModelError, match="is not of 1 labels"):
        train(tmp_path, "images=16", "start_from=gan-001")
    for path in (made.folder / "snapshots").glob("*.pt"):
        path.unlink()
    with Catalog(tmp_path) as catalog, pytest.raises(InputError, match="has no snapshot yet"):
        find_source(catalog, "gan-001")


def test_the_command_takes_the_settings_of_the_source(tmp_path: Path) -> None:
    """`train-gan --from demo-garments` has that model's game, its own budget, and smaller steps; --set still wins."""
    with Catalog(tmp_path):
        pass
    words = ["-w", str(tmp_path), "train-gan", "--from", "demo-garments", "--images", "500", "--set", "r2=0.3"]
    done = CliRunner().invoke(main, [*words, "--dry-run", "--json"])
    told, changed = json.loads(done.stdout), {"lr", "r1", "r2"}
    with Catalog(tmp_path) as catalog:
        game = find_source(catalog, "demo-garments").config.model_dump(mode="json", exclude=CIRCUMSTANCES)

    assert (told["images"], told["minutes"], told["seed"]) == (500, None, 0)
    assert (told["lr"], told["r1"], told["r2"]) == (game["lr"] / 8, game["r1"] / 5, 0.3)
    assert "both networks have learned" in done.stderr
    assert told["start_from"] == "demo-garments"
    assert {key: told[key] for key in game.keys() - changed} == {key: game[key] for key in game.keys() - changed}


def test_steps_on_what_has_learned_are_larger_where_there_are_many_garments(tmp_path: Path) -> None:
    """From 500 garments on a model that brings both networks is trained on at twice the rate, what has half the size never."""
    with Catalog(tmp_path) as catalog:
        source = find_source(catalog, "demo-garments")
    asked, rates = source.config, []
    for garments in (499, 500):
        (choice,) = going_on(source, asked, set(), garments)
        rates.append(choice.settings["lr"])

    assert rates == [asked.lr / 8, asked.lr / 4]
    assert going_on(source, asked.model_copy(update={"size": 128}), set(), 500) == []
    assert going_on(replace(source, rival=None), asked, set(), 500) == []


def test_a_source_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """--from with an unknown name exits 2 and names what there is."""
    with Catalog(tmp_path):
        pass
    done = CliRunner().invoke(main, ["-w", str(tmp_path), "train-gan", "--from", "nothing"])

    assert done.exit_code == 2
    assert "--from nothing" in done.output
    assert "demo-garments" in done.output
