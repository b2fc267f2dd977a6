"""`deepstyle sample`: labels, walks, novelty, exports, models; on a tiny generator that is told labels."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from deepstyle import pipeline, weights
from deepstyle.catalog import Catalog, garment_path
from deepstyle.classifier.build import build_network
from deepstyle.classifier.network import Classifier, Preprocessing
from deepstyle.cli import main
from deepstyle.config import ClassifierConfig, GanConfig, load_config, to_yaml
from deepstyle.files import put_file
from deepstyle.images import Pixels, decode, encode, sha256
from deepstyle.progress import Reporter
from deepstyle.where import where

QUIET = Reporter(quiet=True)
TINY = ["size=32", "width=8", "latent=16", "batch_size=8", "grid=4", "score_samples=16", "precision=32", "augment=[]"]


def garment(random: np.random.Generator, label: str) -> Pixels:
    """Reddish dresses, bluish skirts, in blocks."""
    pixels = random.integers(0, 120, (4, 4, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    pixels[..., 0 if label == "dress" else 2] += 120
    return pixels


def add_garments(catalog: Catalog) -> None:
    random = np.random.default_rng(0)
    for i in range(24):
        label = ("dress", "skirt")[i % 2]
        data = encode(garment(random, label))
        name = sha256(data)
        catalog.add_photo(
            name, data, extension="png", width=32, height=32, dhash="0" * 16, page_url=f"http://shop.example/{i}",
            image_url=f"http://shop.example/{i}.png",
        )  # fmt: skip
        put_file(catalog.path(garment_path(name, 0, label)), data)
        catalog.add_garment(name, 0, label, (0, 0, 32, 32), score=1, width=32, height=32, model="m", rule="r")


def add_classifier(catalog: Catalog) -> None:
    config = load_config(ClassifierConfig, "classifier-64", ["network=small", "pretrained=false"])
    torch.manual_seed(0)
    network = build_network("small", 2, width=config.width).eval()
    judge = Classifier(network, Preprocessing(image_size=32), ("dress", "skirt"), "judge")
    judge.save(catalog.root / "models/judge", to_yaml(config), {})
    catalog.put_model("judge", "classifier", {})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with garments, a classifier, gan-001 that is told labels, and gan-002 (residual) that is not; read only."""
    folder = tmp_path_factory.mktemp("trained")
    with Catalog(folder) as catalog:
        add_garments(catalog)
        add_classifier(catalog)
        for preset, more in (
            ("dcgan-32", ["condition=label"]),
            ("residual-64", ["max_width=16", "minibatch_stddev=false", "penalty_every=4"]),
        ):
            config = load_config(GanConfig, preset, [*TINY, "images=160", *more])
            pipeline.gan_from_garments(catalog, config, reporter=QUIET, fresh=True)
    return folder


@pytest.fixture
def workspace(trained: Path, tmp_path: Path) -> Path:
    """A copy of it to write into."""
    return Path(shutil.copytree(trained, tmp_path / "w"))


def run(workspace: Path, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, ["-q", "-w", str(workspace), "sample", *words])
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_one_row_for_each_label(workspace: Path) -> None:
    """Two labels make two named rows of the same seeds, each in its own file; the label changes the image."""
    run(workspace, "--run", "gan-001", "--label", "skirt,dress", "--label", "skirt", "--seeds", "3-7")
    place = workspace / "runs/gan-001/samples"
    sheet = decode((place / "grid-labels.png").read_bytes())
    skirt, dress = (decode((place / f"seed-000005-{label}.png").read_bytes()) for label in ("skirt", "dress"))
    margin = sheet.shape[1] - (5 * 34 + 2)

    assert sheet.shape[0] == 2 * 46 + 2  # below each image stands its seed
    assert margin > 30
    assert len(list(place.glob("seed-*-skirt.png"))) == 5
    assert (sheet[2:34, margin + 2 + 2 * 34 : margin + 34 + 2 * 34] == skirt).all()
    assert (sheet[48:80, margin + 2 + 2 * 34 : margin + 34 + 2 * 34] == dress).all()
    assert (skirt != dress).any()


def test_labels_are_refused_with_a_remedy(workspace: Path) -> None:
    """An unknown label names those known; a generator that is told nothing says how one is trained that is."""
    assert "knows dress, skirt" in run(workspace, "--run", "gan-001", "--label", "hat", code=2)
    assert "condition=label" in run(workspace, "--run", "gan-002", "--label", "dress", code=2)


def test_the_same_command_gives_the_same_bytes(workspace: Path) -> None:
    """Seeds, labels and truncation: the same bytes again, and from the exported model in another workspace."""
    words = ["--seeds", "0-19", "--label", "dress", "--truncation", "0.7"]
    run(workspace, "--run", "gan-001", *words, "--out", str(workspace / "a"))
    run(workspace, "--run", "gan-001", *words, "--out", str(workspace / "b"))
    run(workspace, "--run", "gan-001", "--export", "safetensors", "--out", str(workspace / "mine"))
    run(workspace / "empty", "--model", str(workspace / "mine"), *words)
    first, elsewhere = files(workspace / "a"), files(workspace / "empty/samples/mine")

    assert len(first) == 21
    assert "seed-000019-dress-t0.7.png" in first
    assert files(workspace / "b") == first
    assert elsewhere.keys() == first.keys()
    assert all((decode(elsewhere[name]) == decode(data)).all() for name, data in first.items())


def test_truncation_makes_samples_alike(workspace: Path) -> None:
    """Close to 0 the samples of all seeds are nearly one image; what is not truncated differs; 0 is refused."""
    spread = {}
    for words in ([], ["--truncation", "0.05"]):
        run(workspace, "--run", "gan-002", *words, "--out", str(workspace / "out"))
        tail = "-t0.05" if words else ""
        made = [decode(p.read_bytes()) for p in sorted((workspace / "out").glob(f"seed-??????{tail}.png"))]
        assert len(made) == 64
        spread[tail] = float(np.std(np.stack(made).astype(float), axis=0).mean())

    assert spread["-t0.05"] < 0.25 * spread[""]
    assert "0<x<=5" in run(workspace, "--truncation", "0", code=2)


def test_the_best_generator_is_asked_for(workspace: Path) -> None:
    """--best takes best.safetensors and marks its files; a run without one says what it takes."""
    folder = workspace / "runs/gan-002"
    state = weights.read_weights(folder / "best.safetensors")
    weights.save_weights(folder / "best.safetensors", {name: 1.5 * tensor for name, tensor in state.items()})
    run(workspace, "--seeds", "1")
    run(workspace, "--seeds", "1", "--best")
    made = files(folder / "samples")

    assert made["seed-000001-best.png"] != made["seed-000001.png"]
    (folder / "best.safetensors").unlink()
    assert "it takes a classifier" in run(workspace, "--best", code=1)


def test_programs_read_where_samples_are(workspace: Path) -> None:
    """Sample --json is one object: the grid, each sample's seed, label and file, and how new they are."""
    told = CliRunner().invoke(
        main, ["-w", str(workspace), "sample", "--run", "gan-001", "--seeds", "3-5", "--novelty", "--json"]
    )
    made = json.loads(told.stdout)

    assert [one["seed"] for one in made["samples"]] == [3, 4, 5]
    assert all(Path(one["file"]).is_file() for one in made["samples"])
    assert Path(made["grid"]).is_file()
    assert len(made["novelty"]["ratios"]) == 3
    assert "comparing 3 samples" in told.stderr


def test_a_model_samples_where_there_is_no_run(workspace: Path, tmp_path: Path) -> None:
    """An export is listed, found by name in its workspace and by path in an empty folder; images are those of the run."""
    run(workspace, "--run", "gan-001", "--best", "--export", "safetensors")
    listed = json.loads(CliRunner().invoke(main, ["-w", str(workspace), "models", "--json"]).stdout)["models"][0]
    run(workspace, "--run", "gan-001", "--best", "--seeds", "0-3")
    run(workspace, "--model", "gan-001", "--seeds", "0-3")
    run(tmp_path / "new", "--model", str(workspace / "models/gan-001"), "--seeds", "0-3", "--out", str(tmp_path / "o"))
    best = (workspace / "runs/gan-001/samples/seed-000002-best.png").read_bytes()

    assert (listed["name"], listed["kind"], listed["labels"]) == ("gan-001", "gan", ["dress", "skirt"])
    assert listed["figures"]["frechet"] > 0
    for place in (workspace / "samples/gan-001", tmp_path / "o"):
        assert (decode((place / "seed-000002.png").read_bytes()) == decode(best)).all()
    about = json.loads((workspace / "models/gan-001/model.json").read_text())
    assert (about["size"], about["latent"], about["backend"]) == (32, 16, "dcgan")
    assert "24 garments cut out of 24 photos" in (workspace / "models/gan-001/DATA_CARD.md").read_text()
    croissant = json.loads((workspace / "models/gan-001/croissant.json").read_text())
    table = (workspace / "models/gan-001/garments.csv").read_bytes()
    assert croissant["distribution"][0]["sha256"] == sha256(table)


@pytest.mark.parametrize("name", ["gan-001", "gan-002"])
def test_half_the_bytes_nearly_the_same_images(workspace: Path, name: str) -> None:
    """In float16 a model takes about half the bytes, and no pixel of 64 samples is more than 2 grey levels off."""
    for words in ([], ["--half"]):
        out = workspace / f"model{len(words)}"
        run(workspace, "--run", name, "--export", "safetensors", *words, "--out", str(out))
        run(workspace, "--model", str(out), "--out", str(workspace / f"images{len(words)}"))
    sizes = [(workspace / f"model{k}/weights.safetensors").stat().st_size for k in (0, 1)]
    full, half = (decode((workspace / f"images{k}/grid.png").read_bytes()).astype(int) for k in (0, 1))

    assert sizes[1] < 0.6 * sizes[0]
    assert (workspace / "model0/discriminator.safetensors").is_file()  # of its run, so that it can be trained on
    assert 0 < np.abs(full - half).max() <= 2


def test_models_that_are_none_are_named(workspace: Path) -> None:
    """An unknown name, another kind of model, and flags of runs each get their line."""
    assert "no gan of that name" in run(workspace, "--model", "nobody", code=2)
    assert "is a classifier, not a gan" in run(workspace, "--model", str(workspace / "models/judge"), code=2)
    assert "--run and --best" in run(workspace, "--model", "judge", "--best", code=2)


def test_an_export_replaces_nothing_but_an_export(workspace: Path) -> None:
    """A second export takes the place of the first; a folder with a note, or another model, is refused and stays whole."""
    mine = workspace / "mine"
    for _ in range(2):
        run(workspace, "--run", "gan-001", "--export", "safetensors", "--out", str(mine))
    (mine / "NOTES.md").write_text("keep me")
    for folder in (mine, workspace / "models/judge", mine / "model.json"):
        before = files(folder) if folder.is_dir() else {}
        assert "--out" in run(workspace, "--export", "safetensors", "--out", str(folder), code=2)
        assert (files(folder) if folder.is_dir() else {}) == before


def test_an_export_keeps_the_mark_of_forgotten_photos(workspace: Path) -> None:
    """What `forget` wrote into the run's card stands in the exported model's, however often it is exported."""
    mark = "# Model card\n\n## Forgotten photos\n\n- photo abc\n"
    put_file(workspace / "runs/gan-001/MODEL_CARD.md", mark.encode())
    for _ in range(2):
        run(workspace, "--run", "gan-001", "--export", "safetensors", "--out", str(workspace / "marked"))

    assert (workspace / "marked/MODEL_CARD.md").read_text() == mark
    (workspace / "runs/gan-001/MODEL_CARD.md").unlink()


def test_a_broken_model_is_named(workspace: Path) -> None:
    """A model with other labels than its weights, broken weights or a broken config fails with its name."""
    run(workspace, "--run", "gan-001", "--export", "safetensors", "--out", str(workspace / "m"))
    wrong = {
        "model.json": b'{"labels": ["one"], "kind": "gan"}',
        "weights.safetensors": b"nothing",
        "config.yaml": b"size: 3",
    }
    for name, content in wrong.items():
        (workspace / "m" / name).write_bytes(content)
        assert "/m" in run(workspace, "--model", str(workspace / "m"), code=1)


def test_flags_that_do_not_go_together(workspace: Path) -> None:
    """Two jobs at once, a video of nothing, and half of no export are refused before any work."""
    for words, message in [
        (["--novelty", "--export", "onnx"], "one at a time"), (["--video", "a.gif"], "--interpolate"),
        (["--half"], "--export safetensors"), (["--interpolate", "3"], "two or more seeds"),
        (["--interpolate", "1,2", "--video", "a.avi"], ".mp4 or .gif"), (["--seeds", str(2**63)], "2^63"),
        (["--interpolate", "0-999", "--frames", "1000"], "lower --frames"),
        (["--interpolate", "1,2", "--label", "dress,skirt"], "one --label"),
        (["--classifier", "judge"], "is for --novelty"), (["--frames", "9"], "is for --interpolate"),
        (["--mix", "3,17", "--fps", "9"], "is for --interpolate"),
    ]:  # fmt: skip
        assert message in run(workspace, "--run", "gan-001", *words, code=2)


def test_novelty_finds_a_copy_and_its_page(workspace: Path) -> None:
    """novelty.csv names the garment file, page and photo of three garments a sample, with distances that grow."""
    told = run(workspace, "--run", "gan-001", "--seeds", "0-4", "--novelty")
    place = workspace / "runs/gan-001/samples"
    with (place / "novelty.csv").open() as file:
        rows = list(csv.DictReader(file))

    assert [row["seed"] for row in rows[::3]] == ["0", "1", "2", "3", "4"]
    with Catalog(workspace) as catalog:
        (found,) = where(str(place / rows[3]["file"]), catalog)
    assert [one.origin.pages[0].page_url for one in found.places] == [row["page_url"] for row in rows[3:6]]
    assert [row["rank"] for row in rows[:3]] == ["1", "2", "3"]
    for row in rows:
        assert (workspace / row["garment"]).is_file()
        assert (place / row["file"]).is_file()
        assert row["photo_url"] == f"{row['page_url']}.png"
        assert float(row["distance"]) >= 0
    assert [float(row["distance"]) for row in rows[:3]] == sorted(float(row["distance"]) for row in rows[:3])
    assert decode((place / "novelty.png").read_bytes()).shape[0] > 3 * 128
    assert "of samples (of the garments themselves: 50%)" in told
    assert "http://shop.example/" in told


def test_novelty_needs_an_eye(workspace: Path) -> None:
    """An unknown classifier is told with those that there are and how one is trained, and nothing is generated first."""
    told = run(workspace, "--run", "gan-001", "--novelty", "--classifier", "mine", code=2)

    assert "deepstyle train-classifier" in told
    assert "judge" in told
    assert not list((workspace / "runs/gan-001/samples").glob("seed-*"))


def test_a_walk_as_gif_with_its_filmstrip(workspace: Path) -> None:
    """By default a walk is a looping GIF of 256 px; frame 0 is the first seed's image, and the strip shows 8 frames."""
    told = run(workspace, "--run", "gan-002", "--interpolate", "3,5,9", "--frames", "4", "--fps", "20")
    run(workspace, "--run", "gan-002", "--seeds", "3,5,9")
    place = workspace / "runs/gan-002/samples"
    with Image.open(place / "walk-3-5-9.gif") as film:
        frames = []
        for k in range(getattr(film, "n_frames", 1)):
            film.seek(k)
            frames.append(np.asarray(film.convert("RGB").resize((32, 32), Image.Resampling.BOX)).astype(int))
        assert (film.info["duration"], film.info["loop"]) == (50, 0)
        assert film.size == (256, 256)
    own = decode((place / "seed-000003.png").read_bytes()).astype(int)

    assert "frames 12" in told
    assert len(frames) == 12
    assert np.abs(frames[0] - own).mean() < 6
    assert all((a != b).any() for a, b in zip(frames, frames[1:] + frames[:1], strict=True))
    assert decode((place / "walk-3-5-9.png").read_bytes()).shape == (260, 8 * 258 + 2, 3)
