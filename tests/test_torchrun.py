"""Training as users start it on several processes: each trainer ends, and nothing is written twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_classifier import make_table
from test_detector_train import TINY as TINY_DETECTOR
from test_detector_train import annotated
from test_sampling import add_classifier, add_garments
from test_tagger_fashionai import draw_tree

from deepstyle.annotations.coco import write_coco
from deepstyle.catalog import Catalog

pytestmark = pytest.mark.slow
LIMIT = 900.0  # seconds until a command that hangs is ended; each takes some 20 on an idle machine
TINY_GAN = [
    "size=32", "width=8", "latent=16", "batch_size=8", "grid=4", "score_samples=32", "precision=32",
    "snapshot_every=32", "images=96",
]  # fmt: skip
TINY_CLASSIFIER = ["network=small", "image_size=32", "batch_size=8", "precision=32"]


def torchrun(workspace: Path, *words: str, settings: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command of deepstyle on two processes, within ``LIMIT`` seconds."""
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "-m",
        "deepstyle.cli",
    ]
    flags = [flag for one in settings for flag in ("--set", one)]
    process = subprocess.Popen(
        [*command, "-w", str(workspace), *words, *flags], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        out, said = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.terminate()  # torchrun ends its processes before itself
        process.communicate()
        raise
    assert process.returncode == 0, said
    return subprocess.CompletedProcess(process.args, process.returncode, out, said)


def test_the_gan_is_judged_while_it_trains(tmp_path: Path) -> None:
    """With a classifier in the workspace two processes train a GAN to its end, and every snapshot has its figures."""
    with Catalog(tmp_path) as catalog:
        add_garments(catalog)
        add_classifier(catalog)
    done = torchrun(tmp_path, "train-gan", "--config", "dcgan-32", settings=TINY_GAN)
    run = tmp_path / "runs/gan-001"
    points = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
    judged = [point for point in points if "frechet" in point]

    assert done.stdout.count("run gan-001 is in") == 1
    assert [path.name for path in run.parent.iterdir()] == ["gan-001"]
    assert [point["images"] for point in judged] == [0, 32, 64, 96]
    assert all({"kid", "precision", "recall"} <= set(point) for point in judged)


def test_one_detector_comes_of_two_processes(tmp_path: Path) -> None:
    """Two processes share each batch of photos, leave one run and one model folder, and resume it."""
    write_coco(tmp_path / "train.json", annotated(tmp_path))
    write_coco(tmp_path / "val.json", annotated(tmp_path, 4))
    workspace = tmp_path / "w"
    words = [
        "train-detector",
        str(tmp_path / "train.json"),
        "--val",
        str(tmp_path / "val.json"),
        "--config",
        "small-256",
    ]
    settings = [*TINY_DETECTOR, "evaluate_every=4"]
    first = torchrun(workspace, *words, settings=[*settings, "images=8"])
    again = torchrun(workspace, *words, settings=[*settings, "images=16"])

    assert first.stdout.count("the detector is in") == 1
    assert "continues at 8 photos" in again.stderr
    assert [path.name for path in (workspace / "runs").iterdir()] == ["detector-001"]
    assert json.loads((workspace / "models/detector/model.json").read_text())["figures"]["images"] == 16


def test_one_classifier_comes_of_two_processes(tmp_path: Path) -> None:
    """Two processes share each batch of labelled images, leave one run and one model folder, and resume it."""
    make_table(tmp_path / "images", 24)
    rows = [f"{i:03d}.png,{('blue', 'green', 'red')[i % 3]},{i // 6}" for i in range(24)]
    (tmp_path / "images.csv").write_text("\n".join(["image,label,group", *rows]))
    workspace = tmp_path / "w"
    words = ["train-classifier", str(tmp_path / "images.csv"), "--images", str(tmp_path / "images")]
    first = torchrun(workspace, *words, settings=[*TINY_CLASSIFIER, "images=160"])
    again = torchrun(workspace, *words, settings=[*TINY_CLASSIFIER, "images=320"])
    points = [json.loads(line) for line in (workspace / "runs/classifier-001/stats.jsonl").read_text().splitlines()]

    assert first.stdout.count("the classifier is in") == again.stdout.count("the classifier is in") == 1
    assert "continues at 160 images" in again.stderr
    assert [path.name for path in (workspace / "runs").iterdir()] == ["classifier-001"]
    assert [point["images"] for point in points] == sorted({point["images"] for point in points})
    assert json.loads((workspace / "models/classifier/model.json").read_text())["figures"]["images"] == 320


def test_one_tagger_comes_of_two_processes(tmp_path: Path) -> None:
    """Two processes share each batch of tagged photos, and leave one run and one model folder with a head a task."""
    workspace = tmp_path / "w"
    words = ["train-tagger", str(draw_tree(tmp_path / "fashionai", 16))]
    done = torchrun(workspace, *words, settings=[*TINY_CLASSIFIER, "width=8", "images=64", "least_share=0.05"])
    points = [json.loads(line) for line in (workspace / "runs/tagger-001/stats.jsonl").read_text().splitlines()]
    about = json.loads((workspace / "models/tagger/model.json").read_text())

    assert done.stdout.count("the tagger is in") == 1
    assert [path.name for path in (workspace / "runs").iterdir()] == ["tagger-001"]
    assert [point["images"] for point in points] == sorted({point["images"] for point in points})
    assert about["figures"]["seen"] == 64
    assert len(about["groups"]) == 2
