"""Training on several processes: each trainer ends, nothing is written twice, and two give what one gives.

torchrun starts ``train-gan`` as users start it. The other trainers share two such starts, one after another in the same two
processes, because a start costs more than they do: ``first`` begins them, ``again`` continues them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from test_classifier import make_table
from test_dcgan_distributed import train
from test_dcgan_train import losses, packed
from test_detector_train import TINY as TINY_DETECTOR
from test_detector_train import annotated
from test_sampling import add_classifier, add_garments
from test_tagger_fashionai import draw_tree

from deepstyle.annotations.coco import write_coco
from deepstyle.catalog import Catalog
from deepstyle.dcgan.sample import generate, latents, load_generator

pytestmark = pytest.mark.slow
LIMIT = 900.0  # seconds until processes that hang are ended; each start takes some 20 on an idle machine
TINY_GAN = [
    "size=32", "width=8", "latent=16", "batch_size=8", "grid=4", "score_samples=32", "precision=32",
    "snapshot_every=32", "images=96",
]  # fmt: skip
TINY_CLASSIFIER = ["network=small", "image_size=32", "batch_size=8", "precision=32"]
SEVERAL = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from deepstyle.cli import main
from test_dcgan_distributed import train

for words in json.loads(sys.argv[3]):
    main(words, standalone_mode=False)
train(Path(sys.argv[2]) / "gan", sys.argv[4])
"""


def torchrun(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a program on two processes, within ``LIMIT`` seconds."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *words]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, said = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.terminate()  # torchrun ends its processes before itself
        process.communicate()
        raise
    assert process.returncode == 0, said
    return subprocess.CompletedProcess(process.args, process.returncode, out, said)


def flags(*settings: str) -> list[str]:
    return [flag for one in settings for flag in ("--set", one)]


class Trained(NamedTuple):
    """The folder with a workspace for each trainer, and what was said when they began and when they went on."""

    root: Path
    first: subprocess.CompletedProcess[str]
    again: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Detector, classifier and GAN, begun and continued on two processes, and a tagger, which is trained at once."""
    root = tmp_path_factory.mktemp("torchrun")
    (root / "script.py").write_text(SEVERAL)
    write_coco(root / "train.json", annotated(root))
    write_coco(root / "val.json", annotated(root, 4))
    make_table(root / "images", 24)
    rows = [f"{i:03d}.png,{('blue', 'green', 'red')[i % 3]},{i // 6}" for i in range(24)]
    (root / "images.csv").write_text("\n".join(["image,label,group", *rows]))
    draw_tree(root / "fashionai", 16)
    packed(root / "gan")
    Catalog(root / "gan").close()

    def start(detector: int, classifier: int, gan: int, *more: list[str]) -> subprocess.CompletedProcess[str]:
        boxes = ["train-detector", str(root / "train.json"), "--val", str(root / "val.json"), "--config", "small-256"]
        table = ["train-classifier", str(root / "images.csv"), "--images", str(root / "images")]
        commands = [
            ["-w", str(root / "detector"), *boxes, *flags(*TINY_DETECTOR, "evaluate_every=4", f"images={detector}")],
            ["-w", str(root / "classifier"), *table, *flags(*TINY_CLASSIFIER, f"images={classifier}")],
            *more,
        ]
        words = [str(Path(__file__).parent), str(root), json.dumps(commands), str(gan)]
        return torchrun(str(root / "script.py"), *words)

    settings = flags(*TINY_CLASSIFIER, "width=8", "images=64", "least_share=0.05")
    tagger = ["-w", str(root / "tagger"), "train-tagger", str(root / "fashionai"), *settings]
    return Trained(root, start(8, 160, 160, tagger), start(16, 320, 400))


def points(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]


def test_the_gan_is_judged_while_it_trains(tmp_path: Path) -> None:
    """With a classifier in the workspace two processes train a GAN to its end, and every snapshot has its figures."""
    with Catalog(tmp_path) as catalog:
        add_garments(catalog)
        add_classifier(catalog)
    words = ["-w", str(tmp_path), "train-gan", "--config", "dcgan-32", *flags(*TINY_GAN)]
    done = torchrun("-m", "deepstyle.cli", *words)
    run = tmp_path / "runs/gan-001"
    judged = [point for point in points(run) if "frechet" in point]

    assert done.stdout.count("run gan-001 is in") == 1
    assert [path.name for path in run.parent.iterdir()] == ["gan-001"]
    assert [point["images"] for point in judged] == [0, 32, 64, 96]
    assert all({"kid", "precision", "recall", "coverage"} <= set(point) for point in judged)


def test_one_detector_comes_of_two_processes(trained: Trained) -> None:
    """Two processes share each batch of photos, leave one run and one model folder, and resume it."""
    workspace = trained.root / "detector"

    assert trained.first.stdout.count("the detector is in") == 1
    assert "continues at 8 photos" in trained.again.stderr
    assert [path.name for path in (workspace / "runs").iterdir()] == ["detector-001"]
    assert json.loads((workspace / "models/detector/model.json").read_text())["figures"]["images"] == 16


def test_one_classifier_comes_of_two_processes(trained: Trained) -> None:
    """Two processes share each batch of labelled images, leave one run and one model folder, and resume it."""
    workspace = trained.root / "classifier"
    seen = [point["images"] for point in points(workspace / "runs/classifier-001")]

    for told in (trained.first.stdout, trained.again.stdout):
        assert told.count("the classifier is in") == 1
    assert "continues at 160 images" in trained.again.stderr
    assert [path.name for path in (workspace / "runs").iterdir()] == ["classifier-001"]
    assert seen == sorted(set(seen))
    assert json.loads((workspace / "models/classifier/model.json").read_text())["figures"]["images"] == 320


def test_one_tagger_comes_of_two_processes(trained: Trained) -> None:
    """Two processes share each batch of tagged photos, and leave one run and one model folder with a head a task."""
    workspace = trained.root / "tagger"
    seen = [point["images"] for point in points(workspace / "runs/tagger-001")]
    about = json.loads((workspace / "models/tagger/model.json").read_text())

    assert trained.first.stdout.count("the tagger is in") == 1
    assert [path.name for path in (workspace / "runs").iterdir()] == ["tagger-001"]
    assert seen == sorted(set(seen))
    assert about["figures"]["seen"] == 64
    assert len(about["groups"]) == 2


def test_two_processes_give_the_samples_of_one(trained: Trained, tmp_path: Path) -> None:
    """Two processes with half of each batch, resumed between, reach the losses and samples of one, within float tolerance."""
    packed(tmp_path)
    train(tmp_path, "400")
    z = latents(range(16), 16)
    one, two = (generate(load_generator(root / "runs/gan-001")[0], z) for root in (tmp_path, trained.root / "gan"))

    assert [path.name for path in (trained.root / "gan/runs").iterdir()] == ["gan-001"]
    assert np.abs(one.astype(int) - two).max() <= 2
    mine, theirs = losses(tmp_path)[-1], losses(trained.root / "gan")[-1]
    for key in ("loss/d", "loss/g", "loss/penalty", "d/real", "augmentation", "gradient/g"):
        assert mine[key] == pytest.approx(theirs[key], rel=0.01, abs=1e-3), key
