"""Plain mistakes are told before torch is imported, which takes seconds: all of them in one process, which imports none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deepstyle.catalog import Catalog
from deepstyle.images import encode

CASES = {
    "train-gan --label nobody": "no garments with the label nobody; there are upper",
    "train-gan --min-score 1": "--min-score 1: no garment has it, the surest 0.90",
    "train-gan --classifier nobody": "--classifier nobody: no classifier",
    "train-gan --config dcgan-64 --classifier nobody": "--classifier nobody: no classifier",
    "train-gan --dry-run --classifier nobody": "--classifier nobody: no classifier",
    "train-gan --from nobody": "--from nobody: no gan",
    "train-gan --from nobody --config dcgan-64": "--from nobody: no gan",
    "train-gan --set nobody=1": "--set nobody: unknown key",
    "train-gan --config nobody": "--config nobody: neither a file nor a preset",
    "train-classifier empty": "empty: holds no folders with photos",
    "train-classifier gone.csv": "none of the table's 2 images is there, e.g. nope/1.png",
    "train-classifier gone.json": "none of the 4 photos with boxes is there; the first is 0.jpg, which is not in the folder",
    "train-classifier photos --images flat": "--images flat: is for a CSV",
    "train-classifier t.csv --set nobody=1": "--set nobody: unknown key",
    "check-labels gone.csv": "none of the table's 2 images is there",
    "check-labels t.csv --model nobody": "--model nobody: no classifier",
    "train-tagger empty": "empty: neither Clothing Co-Parsing",
    "train-tagger tags.csv --region nobody": "--region nobody: no detector",
    "train-tagger tags.csv --average nobody --average me": "--average nobody: no tagger",
    "train-detector gone.json --val v.json": "gone.json: 4 of its 4 photos are missing, first 0.jpg, which is not in the folder",
    "train-detector t.json --val gone.json": "--val gone.json: 4 of its 4 photos are missing, first 0.jpg",
    "train-detector t.json --val t.json": "is both trained on and validated on (4 such photos)",
    "train-detector t.json --val v.json --start-from nobody": "--start-from nobody: no model",
    "train-detector t.json --val v.json --set nobody=1": "--set nobody: unknown key",
    "train-masks t.json --val v.json --detector nobody": "--detector nobody: no detector",
    "train-masks t.json --val v.json": "t.json (the photos to train on): no garment has a mask",
    "eval-detector v.json --detector nobody": "--detector nobody: no detector",
    "eval-detector gone.json": "gone.json: 4 of its 4 photos are missing, first 0.jpg",
    "eval-detector v.json --choose-rules gone.json": "--choose-rules gone.json: 4 of its 4 photos are missing",
    "eval-detector v.json --choose-rules v.json": "would both choose the rules and report (4 such photos)",
    "eval-detector other.json": "knows upper, lower, full, not dress",
    "crop --detector nobody": "--detector nobody: no detector",
    "crop --label nobody": "--label nobody: the detector knows upper, lower, full",
    "sample": "no GAN run in w: run `deepstyle train-gan` first",
    "sample --run nobody": "--run nobody: no such run in w",
    "sample --model nobody": "--model nobody: no gan",
    "sample --model demo-garments --label nobody": "--label nobody: demo-garments knows Dress, ",
    "sample --model demo-garments --novelty --classifier nobody": "--classifier nobody: no classifier",
    "sample --model demo-garments --like notes.txt": "--like notes.txt: the bytes are not an image",
    "sample --model demo-garments --interpolate 1,2 --video x.avi": "--video x.avi: name it .mp4 or .gif",
    "score": "no GAN run in w",
    "score --run nobody": "--run nobody: no such run",
    "score --model nobody": "--model nobody: no gan",
    "score empty": "empty: holds no pictures",
    "score flat --against empty": "empty: holds no pictures",
    "score photos/a": "photos/a: 2 pictures are too few for a score, which needs 6",
    "score flat --classifier nobody": "--classifier nobody: no classifier",
    "predict empty": "empty: holds no pictures",
    "predict flat --model nobody": "--model nobody: no model",
    "predict flat --model demo-garments": "--model demo-garments: is no classifier or tagger but a gan",
    "predict flat --region nobody": "--region nobody: no detector",
    "predict flat --router nobody --route a=b": "--route b: no model",
    "predict flat --router nobody --route a=garment-categories": "--router nobody: no model",
    "predict flat --router garment-categories": "--router CLASSIFIER and --route LABEL=MODEL belong together",
    "predict flat --router garment-categories --route x": "--route x: write LABEL=MODEL",
    "tag --model nobody": "--model nobody: no model",
    "tag --model garments-lite": "is no classifier or tagger but a detector",
    "export nobody --to onnx --out out": "NAME|FOLDER nobody: no model",
    "export demo-garments --to onnx --out out": "NAME|FOLDER demo-garments: is no classifier or tagger but a gan",
    "export garment-categories --to onnx --out flat": "flat: holds 0.png, which is not ours to delete",
    "run nobody": "URL 'nobody': not a web address",
    "run http://a.example/ --set gan.nobody=1": "--set gan.nobody: unknown key",
    "run http://a.example/ --annotations gone.json v.json": "gone.json: 4 of its 4 photos are missing",
    "run http://a.example/ --labels empty": "empty: holds no folders with photos",
    "demo --set gan.nobody=1": "--set gan.nobody: unknown key",
    "data label empty --out l.json": "empty: holds no photos",
    "data label flat --out l.json --detector nobody": "--detector nobody: no detector",
}  # fmt: skip
SCRIPT = """
import json, shlex, sys
from click.testing import CliRunner
from deepstyle.cli import main
told = {}
for words in json.load(sys.stdin):
    done = CliRunner().invoke(main, ["-w", "w", *shlex.split(words)])
    told[words] = [done.exit_code, done.output, "torch" in sys.modules]
    if "torch" in sys.modules:
        break
print(json.dumps(told))
"""


def coco(path: Path, photos: str, numbers: range, label: str = "upper") -> None:
    images = [{"id": k, "file_name": photos.format(k), "width": 64, "height": 64} for k in numbers]
    boxes = [{"id": k, "image_id": k, "category_id": 1, "bbox": [1, 1, 40, 40]} for k in numbers]
    path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": [{"id": 1, "name": label}]}))


def workplace(folder: Path) -> None:
    """A workspace ``w`` with one garment a photo, folders of pictures, tables, and COCO files."""
    for name in ("empty", "flat", "photos/a", "photos/b"):
        (folder / name).mkdir(parents=True)
    with Catalog(folder / "w") as catalog:
        for k in range(4):
            data = encode(np.full((64, 64, 3), 40 * k, np.uint8))
            (folder / f"flat/{k}.png").write_bytes(data)
            (folder / f"flat/{k + 4}.png").write_bytes(encode(np.full((64, 64, 3), 40 * k + 9, np.uint8)))
            (folder / f"photos/{'ab'[k % 2]}/{k}.png").write_bytes(data)
            catalog.add_photo(
                f"{k:064d}", data, extension="png", width=64, height=64, dhash=f"{k:016x}", image_url="", page_url=""
            )
            catalog.add_garment(
                f"{k:064d}", 0, "upper", (0, 0, 64, 64), score=0.9, width=64, height=64, model="m", rule=""
            )
    coco(folder / "t.json", "flat/{}.png", range(4))
    coco(folder / "v.json", "flat/{}.png", range(4, 8))
    coco(folder / "other.json", "flat/{}.png", range(4), "dress")
    coco(folder / "gone.json", "gone/{}.jpg", range(4))
    (folder / "t.csv").write_text("image,label\n" + "".join(f"flat/{k}.png,{'ab'[k % 2]}\n" for k in range(4)))
    (folder / "gone.csv").write_text("image,label\nnope/1.png,a\nnope/2.png,b\n")
    (folder / "tags.csv").write_text("image,red,blue\n" + "".join(f"flat/{k}.png,{k % 2},1\n" for k in range(4)))
    (folder / "notes.txt").write_text("no list")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, bool]]:
    """What each command says, its exit, and whether torch has been imported by then."""
    folder = tmp_path_factory.mktemp("early")
    workplace(folder)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=json.dumps(list(CASES)), capture_output=True, text=True, cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}, check=True,
    )  # fmt: skip
    return {words: tuple(found) for words, found in json.loads(done.stdout).items()}


@pytest.mark.parametrize("words", CASES)
def test_a_plain_mistake_is_told_before_torch_is_imported(words: str, told: dict[str, tuple[int, str, bool]]) -> None:
    """A wrong name, an empty folder, an unknown label or key is refused at once, by the flag or file that has it."""
    assert words in told, f"{list(told)[-1]} imported torch"
    code, output, torch = told[words]

    assert CASES[words] in output
    assert code in {1, 2}
    assert not torch
