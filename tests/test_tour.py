"""The demo's own parts: annotated looks, its label table, its port."""

from __future__ import annotations

import socket
from pathlib import Path

from deepstyle.annotations.table import read_table
from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig, load_config
from deepstyle.demo import IMAGES
from deepstyle.demo.draw import CATEGORIES
from deepstyle.demo.stages import demo_stages
from deepstyle.demo.tour import annotated_looks, free_port, write_table
from deepstyle.ground import AROUND, filled
from deepstyle.images import decode
from deepstyle.progress import Reporter
from deepstyle.weak import FEW_IMAGES


def test_annotated_looks_are_photos_boxes_and_garments(tmp_path: Path) -> None:
    """Each look is a JPEG with boxes inside it; each garment of it lies on a plain square and is named in the label table."""
    looks, crops = annotated_looks(tmp_path / "train", 2, 3, Reporter(quiet=True))
    write_table(tmp_path / "garments.csv", [(f"train/garments/{name}", label, "train") for name, label in crops])
    table = read_table(tmp_path / "garments.csv")
    boxes = [a for image in looks.images for a in image.annotations]

    assert len(table.rows) == len(boxes) == len(crops)
    assert table.missing == ()
    assert set(table.labels) <= set(CATEGORIES)
    for row, box in zip(crops, boxes, strict=True):
        cut = decode((tmp_path / "train/garments" / row[0]).read_bytes())
        longer = max(box.box[2] - box.box[0], box.box[3] - box.box[1])
        assert cut.shape[0] == cut.shape[1]
        assert 0.8 * longer < cut.shape[0] <= longer * (1 + 2 * AROUND) + 1  # its main part, and some ground around it
        assert filled(cut)
        assert box.mask
        assert CATEGORIES[row[1]] == box.label


def test_the_gan_trains_by_images_with_a_limit_of_minutes() -> None:
    """The demo's GAN sees as many images on any machine, within the minutes given, and shows eight grids before garments."""
    gan = demo_stages(images_seen=IMAGES, minutes=15).gan

    assert (gan.images, gan.minutes) == (80_000, 15)
    assert FEW_IMAGES // gan.snapshot_every >= 8
    assert gan.images >= 1.5 * FEW_IMAGES
    assert gan.model_dump(exclude={"images", "minutes", "snapshot_every", "score_samples"}) == load_config(
        GanConfig, "dcgan-plus-64"
    ).model_dump(exclude={"images", "minutes", "snapshot_every", "score_samples"})


def test_a_second_demo_continues_the_first_ones_crawl(tmp_path: Path) -> None:
    """The port of the last crawl is taken again when it is free, and another one when it is not."""
    with Catalog(tmp_path) as catalog, socket.socket() as taken:
        assert free_port(catalog) == 0
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        catalog.open_crawl(f"http://127.0.0.1:{port}/")
        taken.listen()
        assert free_port(catalog) == 0
        taken.close()

        assert free_port(catalog) == port
