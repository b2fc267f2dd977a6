"""Shapes of garments, the mask head, and its training on a finished detector."""

from __future__ import annotations

import json
import shutil
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray
from torchvision.ops import box_iou

from deepstyle import weights
from deepstyle.about import CARD, MASKS
from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet, Annotation, write_coco
from deepstyle.annotations.mask import encode as encode_mask
from deepstyle.annotations.pair import with_masks
from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.config import DetectorConfig, MaskConfig, load_config, to_yaml
from deepstyle.detector.find import load_detector
from deepstyle.detector.inference import SHAPED, Detections
from deepstyle.detector.mask_data import MaskPhotos, jitter_boxes, prepared
from deepstyle.detector.mask_train import TrainedMasks, train_masks
from deepstyle.detector.masks import MaskHead, drawn_around, grids, overlap_loss, regridded, targets, without_specks
from deepstyle.detector.networks import build_network, maps_of, mask_channels
from deepstyle.detector.resize import to_network
from deepstyle.detector.torchvision_backend import TorchvisionDetector
from deepstyle.errors import InputError, ModelError
from deepstyle.files import put_file
from deepstyle.images import encode
from deepstyle.progress import Reporter
from deepstyle.shape import SIDE, around, lay, pack, share_of, unpack

QUIET = Reporter(quiet=True)
LABELS = ("upper", "lower")
TINY = ["width=8", "image_size=64", "max_size=128", "proposals=20", "precision=32", "nms=0.5"]


def disc(height: int, width: int, box: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    """The ellipse that fits into a box."""
    y, x = np.mgrid[:height, :width] + 0.5
    across = (2 * x - box[0] - box[2]) / (box[2] - box[0])
    down = (2 * y - box[1] - box[3]) / (box[3] - box[1])
    inside: NDArray[np.bool_] = across**2 + down**2 <= 1
    return inside


def annotated(folder: Path, count: int) -> AnnotatedSet:
    """Photos of one red ellipse each, with its box and its mask."""
    random = np.random.default_rng(count)
    photos = []
    for i in range(count):
        pixels = np.full((96, 64, 3), 128, np.uint8)
        x, y, w, h = random.integers([2, 2, 36, 50], [20, 30, 44, 64]).tolist()
        mask = disc(96, 64, (x, y, x + w, y + h))
        pixels[mask] = (220, 20, 20)
        path = folder / f"{count}-{i}.png"
        path.write_bytes(encode(pixels))
        one = Annotation(box=(x, y, x + w, y + h), label="upper", mask=encode_mask(mask))
        photos.append(AnnotatedImage(path=path, width=64, height=96, annotations=(one,)))
    return AnnotatedSet(labels=LABELS, images=tuple(photos))


def detector(folder: Path) -> Path:
    """A detector's folder: random weights."""
    config = load_config(DetectorConfig, "small-256", TINY)
    torch.manual_seed(1)
    about = {"kind": "detector", "backend": "torchvision", "figures": {"ap": 0.5, "run": "detector-001"}}
    weights.save_model(folder, build_network(config, 2), config_yaml=to_yaml(config), labels=LABELS, about=about)
    return folder


def learn(root: Path, *overrides: str, fresh: bool = False) -> TrainedMasks:
    config = load_config(MaskConfig, None, ["width=8", "batch_size=4", "warmup=0", "precision=32", *overrides])
    with Catalog(root) as catalog:
        source = root / "models/eye"
        if not source.is_dir():
            detector(source)
        return train_masks(
            annotated(root, 16), annotated(root, 4), catalog, source, config, reporter=QUIET, name="eye", fresh=fresh
        )


def test_a_shape_lies_where_its_box_is() -> None:
    """The cells of an ellipse become that ellipse on the photo, in any window of it, with soft edges; elsewhere there is none."""
    box = (40.0, 30.0, 140.0, 230.0)
    mask = torch.from_numpy(disc(260, 180, box).astype(np.uint8) * 255)[None]
    cells = targets(mask, torch.zeros(1, dtype=torch.int64), grids(torch.tensor([box])))
    shape = (cells[0] * 255).round().to(torch.uint8).numpy().tobytes()
    whole = lay(shape, box, (0, 0, 180, 260))
    part = lay(shape, box, (50, 20, 100, 130))
    true = disc(260, 180, box)
    found = whole >= 128

    assert len(shape) == SIDE * SIDE
    assert (found & true).sum() / (found | true).sum() > 0.97
    assert (part == whole[20:130, 50:100]).all()
    assert len(np.unique(whole)) > 10
    assert whole[:20].max() == whole[:, :25].max() == 0
    assert share_of(shape, box, box) == pytest.approx(true[30:230, 40:140].mean(), abs=0.02)
    assert share_of(shape, box, (60.0, 80.0, 80.0, 100.0)) == pytest.approx(1.0)
    assert unpack(pack(shape)) == shape
    assert unpack(pack(b"")) == b""
    assert around(box) == (30.0, 10.0, 150.0, 250.0)


@pytest.mark.parametrize("damaged", [b"x", zlib.compress(bytes(100)), zlib.compress(bytes(9**6))])
def test_a_damaged_shape_is_named(damaged: bytes) -> None:
    """Bytes of the catalog that are no shape, or unpack to more than one, are refused."""
    with pytest.raises(InputError, match="shape"):
        unpack(damaged)


def test_a_training_batch_is_whole_and_repeats_itself(tmp_path: Path) -> None:
    """Whatever the flip and the zoom, the cells of each grid are garment where the photo is red; the same step gives the same."""
    config = load_config(MaskConfig, None, ["boxes=3", "colour_jitter=0", "light_jitter=0"])
    sides = load_config(DetectorConfig, "small-256", TINY)
    data = with_masks(annotated(tmp_path, 6))
    photos = MaskPhotos(data, config, sides, QUIET)
    batch, again = (photos.batch(range(6), 0, 5) for _ in range(2))
    for pixels, regions, cells in zip(batch.photos, batch.regions, batch.cells, strict=True):
        red = torch.from_numpy((pixels[..., 0].astype(int) - pixels[..., 1] > 100).astype(np.uint8) * 255)[None]
        seen = targets(red, torch.zeros(3, dtype=torch.int64), regions)

        assert cells.shape == (3, SIDE, SIDE)
        assert ((seen >= 0.5) == (cells >= 0.5)).float().mean() > 0.95
    assert all(np.array_equal(a, b) for a, b in zip(batch.photos, again.photos, strict=True))
    assert len({pixels.shape for pixels in batch.photos}) > 3


def test_it_learns_shapes_and_leaves_the_detector_alone(tmp_path: Path) -> None:
    """On a trunk that learned nothing the head tells red ellipses from their boxes; weights and scores stay as they were."""
    source = detector(tmp_path / "models/eye")
    before, plain = (source / "weights.safetensors").read_bytes(), load_detector(source)
    pixels = np.asarray(np.random.default_rng(0).integers(0, 256, (96, 64, 3)), np.uint8)
    result = learn(tmp_path, "images=240", "lr=0.02")
    shaped = load_detector(result.folder)
    boxes, found = plain.detect([pixels])[0], shaped.detect([pixels])[0]

    assert result.iou > 0.85  # an ellipse fills 0.785 of its box
    assert (source / "weights.safetensors").read_bytes() == before
    assert [(box.label, box.score) for box in found] == [(box.label, box.score) for box in boxes]
    assert {len(box.shape) for box in found if box.score >= SHAPED} == {SIDE * SIDE}
    assert [box for box in found if not box.shape] == boxes[sum(box.score >= SHAPED for box in boxes) :]
    assert plain.name != shaped.name
    about = json.loads((source / "model.json").read_bytes())
    assert about["figures"]["run"] == "detector-001"
    assert about["masks"]["iou"] == result.iou


def test_the_overlap_loss_is_one_minus_the_jaccard_index() -> None:
    """Of masks it is what counting cells gives; shares of a cell that agree cost nothing; the nearer, the less."""
    random = np.random.default_rng(0)
    found, true = random.random((2, 3, SIDE, SIDE)) > 0.5
    counted = np.mean([1 - (a & b).sum() / (a | b).sum() for a, b in zip(found, true, strict=True)])
    soft = torch.from_numpy(random.random((3, SIDE, SIDE)))
    near, far = (overlap_loss((soft + reach * torch.randn_like(soft)).clamp(0, 1), soft) for reach in (0.1, 0.3))

    assert float(overlap_loss(torch.from_numpy(found * 1.0), torch.from_numpy(true * 1.0))) == pytest.approx(
        counted, abs=2e-3
    )
    assert float(overlap_loss(soft, soft)) == 0
    assert 0 < float(near) < float(far) < 1


@pytest.mark.parametrize("preset", ["small-256", "lite0-256", "mobilenet-320", "r50-fpn"])
def test_a_mask_head_sees_a_map_of_detail(preset: str) -> None:
    """Beside the pyramid's maps, which are those of the backbone, stands a map of stride 4, with the channels that are told."""
    network = build_network(load_config(DetectorConfig, preset, ["pretrained=false"]), 2).eval()
    batch = torch.rand(1, 3, 128, 192, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        detail, maps = maps_of(network.backbone, batch)
        expected = list(network.backbone(batch).values())

    assert detail.shape[2:] == (32, 48)
    assert all(torch.equal(a, b) for a, b in zip(maps, expected, strict=True))
    assert mask_channels(network.backbone) == (detail.shape[1], maps[0].shape[1])


def test_a_head_that_saw_the_pyramid_alone_is_read(tmp_path: Path) -> None:
    """Heads that were trained before there was a map of detail give shapes; one of other channels is refused by its file."""
    source = detector(tmp_path / "models/eye")
    pixels = np.asarray(np.random.default_rng(0).integers(0, 256, (96, 64, 3)), np.uint8)
    detail, finest = mask_channels(build_network(load_config(DetectorConfig, "small-256", TINY), 2).backbone)
    weights.save_weights(source / MASKS, weights.halved(MaskHead(finest, 8).state_dict()))
    found = load_detector(source).detect([pixels])[0]

    assert {len(box.shape) for box in found if box.score >= SHAPED} == {SIDE * SIDE}
    weights.save_weights(source / MASKS, weights.halved(MaskHead(finest + detail + 1, 8).state_dict()))
    with pytest.raises(ModelError, match=MASKS):
        load_detector(source)


def test_boxes_are_drawn_around_their_shapes() -> None:
    """From a box that is a tenth off on every side, its true shape leads back to the true box, to less than a cell."""
    true = torch.tensor([[40.0, 30.0, 140.0, 230.0]])
    random = torch.Generator().manual_seed(0)
    boxes = true + 0.09 * torch.tensor([100.0, 200.0, 100.0, 200.0]) * (2 * torch.rand(40, 4, generator=random) - 1)
    mask = torch.zeros(1, 260, 180, dtype=torch.uint8)
    mask[0, 30:230, 40:140] = 255
    shares = targets(mask, torch.zeros(40, dtype=torch.int64), grids(boxes))
    cell = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2) * 1.2 / SIDE

    assert ((drawn_around(shares, boxes) - true) / cell).abs().max() < 0.7
    assert ((drawn_around(shares, boxes) - true) / cell).abs().mean() < 0.3 < ((boxes - true) / cell).abs().mean()
    assert torch.equal(drawn_around(torch.zeros_like(shares), boxes), boxes)
    moved = regridded(shares, boxes, true.expand(40, 4))  # only what neither grid cuts off
    expected = targets(mask, torch.zeros(1, dtype=torch.int64), grids(true))
    assert ((moved >= 0.5) == (expected >= 0.5)).float().mean() > 0.95
    whole = drawn_around(torch.ones_like(shares), boxes)
    assert torch.allclose(whole, grids(boxes))


def test_specks_are_no_part_of_a_garment() -> None:
    """A cell apart from a shape goes, each shape by itself; halves of an open jacket stay, and so does what is faint."""
    shares = torch.zeros(2, SIDE, SIDE)
    shares[0, 5:20, 4:10] = shares[0, 5:20, 15:21] = 0.9
    shares[0, 26, 26] = shares[1, 2, 2] = shares[1, 3, 3] = 0.9  # corners that touch are two parts
    shares[0, 21, 4:10] = 0.3
    kept = without_specks(shares)
    expected = shares.clone()
    expected[0, 26, 26] = 0

    assert torch.equal(kept, expected)


def test_a_detector_finds_tighter_boxes_with_a_mask_head(tmp_path: Path) -> None:
    """Boxes that are loosely around a red ellipse come nearer to it on average once the head has learned what is red."""
    result = learn(tmp_path, "images=240", "lr=0.02")
    network = load_detector(result.folder)
    assert isinstance(network, TorchvisionDetector)
    assert network.masks is not None
    image = with_masks(annotated(tmp_path, 4)).images[0]
    seen = prepared(image, network.config)
    loose = jitter_boxes(seen.boxes.repeat(30, 1), 0.15, torch.Generator().manual_seed(0))
    inference = network.inference
    batch = inference.batch([seen.pixels])
    with torch.no_grad():
        shares = network.masks.float()(
            inference.gathered(batch, inference.seen(batch), [grids(loose)]).float()
        ).sigmoid()
    before, after = (box_iou(boxes, seen.boxes).mean() for boxes in (loose, drawn_around(shares, loose)))

    assert after > before + 0.08


def test_a_shape_lies_on_the_box_that_is_told(tmp_path: Path) -> None:
    """Where a garment ends at the photo's edge, its box does, too, and its shape is laid by that box: red is covered there."""
    result = learn(tmp_path, "images=240", "lr=0.02")
    network = load_detector(result.folder)
    assert isinstance(network, TorchvisionDetector)
    pixels = np.full((96, 64, 3), 128, np.uint8)
    pixels[disc(96, 64, (-20, 40, 40, 130))] = (220, 20, 20)
    for box in network.detect([pixels])[0]:
        assert 0 <= box.x0 < box.x1 <= 64
        assert 0 <= box.y0 < box.y1 <= 96
    found = Detections(boxes=torch.tensor([[0.0, 38.0, 44.0, 96.0]]), labels=torch.ones(1).long(), scores=torch.ones(1))
    inference = network.inference
    assert network.masks is not None
    small = to_network(pixels, network.config)
    scale = len(small) / 96
    found = replace(found, boxes=found.boxes * scale)
    batch = inference.batch([small])
    shaped = inference._shaped(batch, inference.seen(batch), [small.shape[:2]], [found], network.masks.eval())[0]
    corners = (shaped.boxes[0] / scale).tolist()
    covered = lay(shaped.shapes[0], (corners[0], corners[1], corners[2], corners[3]), (0, 0, 64, 96)) >= 128
    red = pixels[..., 0] > 150

    assert (covered & red).sum() / (covered | red).sum() > 0.75


def test_the_card_keeps_what_it_said_and_tells_of_the_head_once(tmp_path: Path) -> None:
    """The head's section comes before the forgotten photos, in the place of an earlier head's; the rest stays as it was."""
    put_file(detector(tmp_path / "models/eye") / CARD, b"# Model card: eye\n\nFinds.\n\n## Forgotten photos\n\n- one\n")
    learn(tmp_path, "images=4")
    result = learn(tmp_path, "images=4", fresh=True)
    card = (result.folder / CARD).read_text()

    assert [line for line in card.splitlines() if line.startswith("#")] == [
        "# Model card: eye", "## Mask head", "## Forgotten photos",
    ]  # fmt: skip
    assert f"Mean IoU {result.iou:.3f} in the true boxes of 4 garments" in card
    assert result.run in card
    assert card.endswith("\n## Forgotten photos\n\n- one\n")


def test_resuming_gives_the_head_of_going_straight(tmp_path: Path) -> None:
    """16 photos, stopped at 8, give the head of 16 photos straight; a finished training gives its result at once."""
    settings = ["images=16", "evaluate_every=8"]
    straight = learn(tmp_path / "a", *settings)
    learn(tmp_path / "b", *settings)
    max((tmp_path / "b/runs/masks-001/snapshots").glob("*.pt")).unlink()  # as if it had been killed after the one at 8
    (tmp_path / "b/models/eye" / MASKS).unlink()
    resumed = learn(tmp_path / "b", *settings)

    assert (straight.folder / MASKS).read_bytes() == (resumed.folder / MASKS).read_bytes()
    assert learn(tmp_path / "b", *settings) == resumed


def test_what_cannot_be_taught_is_named(tmp_path: Path) -> None:
    """Photos without masks, a detector of another backend, and a file that holds no head are refused with the reason."""
    source = detector(tmp_path / "models/eye")
    data = annotated(tmp_path, 2)
    bare = replace(data, images=tuple(
        replace(im, annotations=tuple(replace(a, mask="") for a in im.annotations)) for im in data.images))  # fmt: skip
    config = load_config(MaskConfig, None)
    with Catalog(tmp_path) as catalog:
        with pytest.raises(
            InputError, match=r"^v\.json \(the photos of --val\): no garment has a mask .*`deepstyle data ccp`"
        ):
            train_masks(data, replace(bare, name="v.json"), catalog, source, config, reporter=QUIET, name="eye")
        with pytest.raises(InputError, match=r"to train on.*segmentation"):
            train_masks(bare, data, catalog, source, config, reporter=QUIET, name="eye")
        weights.save_weights(source / MASKS, {"other": torch.zeros(1)})
        with pytest.raises(ModelError, match="no mask head"):
            load_detector(source)
        about = json.loads((source / "model.json").read_bytes())
        (source / "model.json").write_text(json.dumps({**about, "backend": "detectron2"}))
        with pytest.raises(ModelError, match="detectron2 detector"):
            train_masks(data, data, catalog, source, config, reporter=QUIET, name="eye")


def test_the_command_trains_a_detector_of_the_workspace(tmp_path: Path) -> None:
    """`train-masks` writes the head into the detector's folder, or a copy of the detector under another name."""
    detector(tmp_path / "models/eye")
    for name, count in (("train", 4), ("val", 2)):
        write_coco(tmp_path / f"{name}.json", annotated(tmp_path, count))
    with Catalog(tmp_path) as catalog:
        catalog.put_model("eye", "detector", {})
    words = ["-w", str(tmp_path), "train-masks", str(tmp_path / "train.json"), "--val", str(tmp_path / "val.json"),
             "--set", "images=4", "--set", "width=4"]  # fmt: skip
    told = CliRunner().invoke(main, words)
    other = CliRunner().invoke(main, [*words, "--name", "copy", "--json", "--detector", "eye"])

    assert told.exit_code == other.exit_code == 0, told.output + other.output
    assert "mask IoU" in told.output
    assert json.loads(other.stdout)["folder"].endswith("copy")
    names = {path.name for path in (tmp_path / "models/eye").iterdir()}
    assert names == {"weights.safetensors", "config.yaml", "model.json", MASKS, "masks.yaml", "MODEL_CARD.md"}
    shutil.rmtree(tmp_path / "models/eye")
    assert load_detector(tmp_path / "models/copy").labels == LABELS
