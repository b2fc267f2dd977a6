"""Records: what comes out of the catalog can be compared, sent to another process, and not be changed."""

from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepstyle import images
from deepstyle.boxes import Box
from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig
from deepstyle.crop.files import Opened, open_photo, write_pieces
from deepstyle.crop.rules import choose
from deepstyle.records import Listing, Photo

DATA = images.encode(np.zeros((300, 200, 3), np.uint8))
NAME = images.sha256(DATA)


def filled(root: Path) -> Catalog:
    """A catalog with one of each."""
    catalog = Catalog(root)
    catalog.add_photo(
        NAME, DATA, extension="png", width=200, height=300, dhash="0" * 16, image_url="http://a.example/1.png",
        page_url="http://a.example/", title="look 1",
    )  # fmt: skip
    catalog.detections.add(NAME, "m", [(1, 2, 30, 40, "full", 0.9)])
    catalog.add_garment(NAME, 0, "full", (1, 2, 30, 40), score=0.9, width=29, height=38, model="m", rule="r")
    catalog.put_model("judge", "classifier", {"top1": 0.5})
    catalog.put_run("gan-001", "gan", status="done", images=7, figures={"last": {"frechet": 1.5}})
    crawl = catalog.open_crawl("http://a.example/")
    crawl.queue_page("http://a.example/", parent=None, depth=0)
    crawl.queue_listing(Listing(image_url="http://a.example/1.png", page_url="http://a.example/", width_hint=5))
    return catalog


def test_every_record_can_be_sent_and_none_changed(tmp_path: Path) -> None:
    """Each kind of record comes out of pickle as it went in, and refuses assignment."""
    with filled(tmp_path) as catalog:
        crawl = catalog.open_crawl("http://a.example/")
        records: list[Any] = [
            *catalog.photos(), *catalog.detections.of("m"), *catalog.garments(), *catalog.models(), *catalog.runs(),
            *crawl.queued_pages(), *crawl.queued_listings()[0],
        ]  # fmt: skip
    assert len({type(record) for record in records}) == 7
    for record in records:
        assert pickle.loads(pickle.dumps(record)) == record
        first = dataclasses.fields(record)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, first, "other")


def test_what_records_say(tmp_path: Path) -> None:
    """A garment knows its name, its box and its page; a model and a run their figures."""
    with filled(tmp_path) as catalog:
        garment = catalog.garments()[0]
        assert (garment.name, garment.corners, garment.page_url) == (f"{NAME}-0", (1, 2, 30, 40), "http://a.example/")
        judge, run = catalog.model("classifier"), catalog.run("gan")
        assert judge is not None
        assert run is not None
        assert (judge.path, judge.figures) == ("models/judge", {"top1": 0.5})
        assert (run.images, run.status, run.figures) == (7, "done", {"last": {"frechet": 1.5}})


def test_a_photo_can_be_opened_and_cut_in_another_process(tmp_path: Path) -> None:
    """What a worker of the crop needs and gives back is data: a process of its own can do it, without a catalog."""
    with filled(tmp_path) as catalog:
        photo = catalog.photos()[0]
    assert isinstance(photo, Photo)
    choices = choose([Box(x0=10, y0=20, x1=190, y1=280, label="full", score=0.9)], CropConfig(margin=0), 200, 300)
    work = pickle.dumps((open_photo, write_pieces, tmp_path, photo, choices, CropConfig(margin=0)))
    code = (
        "import pickle, sys; open_photo, write_pieces, root, photo, choices, config = pickle.load(sys.stdin.buffer)\n"
        "opened = open_photo(root, photo)\n"
        "sys.stdout.buffer.write(pickle.dumps((opened, write_pieces(root, opened, choices, config))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], input=work, capture_output=True, check=True)
    opened, written = pickle.loads(done.stdout)

    assert isinstance(opened, Opened)
    assert (opened.fault, written.opened.photo) == ("", photo)
    assert (written.cuts[0].width, written.cuts[0].height) == (180, 260)
    assert images.decode((tmp_path / f"garments/full/{NAME}-0.png").read_bytes()).shape == (260, 180, 3)
