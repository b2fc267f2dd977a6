"""`deepstyle where`: from garments, photos and samples back to the pages they came from."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from deepstyle import images
from deepstyle.catalog import Catalog, garment_path
from deepstyle.cli import main
from deepstyle.errors import InputError, UsageError
from deepstyle.files import put_file
from deepstyle.records import Listing, Sighting
from deepstyle.traces import Near, Trace, from_csv, from_score, to_csv
from deepstyle.where import Origin, Place, Whence, rows_of, where


def picture(seed: int) -> bytes:
    """A small PNG."""
    return images.encode(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8))


def fill(root: Path) -> list[str]:
    """A workspace with two photos, a garment of each, and two pages that show the first; returns their hashes."""
    with Catalog(root) as catalog:
        crawl = catalog.open_crawl("http://a.example/")
        hashes = []
        for number in range(2):
            data, url = picture(number), f"http://a.example/{number}.png"
            hashes.append(images.sha256(data))
            for page in (f"http://a.example/look{number}", *(["http://a.example/archive"] if not number else [])):
                crawl.queue_listing(Listing(image_url=url, page_url=page, title=f"look {number}"))
            catalog.add_photo(
                hashes[-1], data, extension="png", width=8, height=8, dhash="0" * 16, image_url=url,
                page_url=f"http://a.example/look{number}", title=f"look {number}", licence="CC0", credit="Ann",
            )  # fmt: skip
            crawl.add_fetch(url, "image", "kept", sha256=hashes[-1])
            put_file(catalog.path(garment_path(hashes[-1], 0, "upper")), picture(number + 10))
            catalog.add_garment(
                hashes[-1], 0, "upper", (0, 0, 8, 8), score=1, width=8, height=8, model="m", rule="r"
            )  # fmt: skip
    return hashes


def sample(root: Path, hashes: list[str], seed: int = 3, *, run: str = "gan-001", recorded: bool = True) -> Path:
    """A sample's file, and the record of what is nearest to it."""
    path = root / "runs" / run / "samples" / f"seed-{seed:06d}.png"
    put_file(path, picture(100 + seed))
    near = tuple(
        Near(garment=f"garments/upper/{sha}-0.png", distance=0.1 + i, ratio=0.5, page_url="p", photo_url="u")
        for i, sha in enumerate(hashes)
    )
    if recorded:
        trace = Trace(name=path.name, sha256=images.sha256(picture(100 + seed)), seed=seed, label="upper", near=near)
        put_file(path.with_name("novelty.csv"), to_csv([trace]).encode())
    return path


def ask(root: Path, asked: str | Path) -> Whence:
    """One question with one answer."""
    with Catalog(root) as catalog:
        (found,) = where(str(asked), catalog)
    return found


def test_a_garment_leads_to_every_page_of_its_photo(tmp_path: Path) -> None:
    """Its file, its name, and its path in the workspace all lead to the photo, its pages, title, licence and credit."""
    first, _ = fill(tmp_path)
    for asked in (tmp_path / f"garments/upper/{first}-0.png", f"{first}-0", f"garments/upper/{first}-0.png"):
        found = ask(tmp_path, asked)
        origin = found.places[0].origin

        assert (found.kind, found.name) == ("garment", f"{first}-0")
        assert [page.page_url for page in origin.pages] == ["http://a.example/look0", "http://a.example/archive"]
        assert (origin.title, origin.licence, origin.credit) == ("look 0", "CC0", "Ann")
        assert Path(origin.path).read_bytes() == picture(0)


def test_a_photo_is_known_by_its_bytes(tmp_path: Path) -> None:
    """A photo's file, a copy of it under another name, and its hash lead to its pages."""
    _, second = fill(tmp_path / "w")
    shutil.copy(tmp_path / f"w/photos/{second[:2]}/{second}.png", tmp_path / "copy.png")
    for asked in (tmp_path / f"w/photos/{second[:2]}/{second}.png", tmp_path / "copy.png", second):
        found = ask(tmp_path / "w", asked)

        assert (found.kind, found.name) == ("photo", second)
        assert [page.page_url for page in found.places[0].origin.pages] == ["http://a.example/look1"]


def test_a_sample_leads_to_its_nearest_garments(tmp_path: Path) -> None:
    """Its file, its name, and a copy of it elsewhere lead to the recorded garments, nearest first, and all their pages."""
    hashes = fill(tmp_path / "w")
    path = sample(tmp_path / "w", hashes)
    shutil.copy(path, tmp_path / "favourite.png")
    for asked in (path, "seed-000003", tmp_path / "favourite.png"):
        found = ask(tmp_path / "w", asked)

        assert (found.kind, found.name, Path(found.record).name) == ("sample", "seed-000003.png", "novelty.csv")
        assert [place.garment for place in found.places] == [f"{sha}-0" for sha in hashes]
        assert [place.distance for place in found.places] == pytest.approx([0.1, 1.1])
        assert len(found.places[0].origin.pages) == 2


def test_the_nearest_of_ones_own_photos_is_told_by_its_file() -> None:
    """A photo that was added is told by its file, not by its folder; one of the web by its page."""
    for image, shown_page, told in (
        ("file:///mine/a.jpg", "file:///mine", "file:///mine/a.jpg"),
        ("https://a.example/1.jpg", "https://a.example/", "https://a.example/"),
    ):
        origin = Origin(
            photo="p", path="p.jpg", width=1, height=1, title="", licence="", credit="",
            pages=(Sighting(page_url=shown_page, image_url=image, title=""),),
        )  # fmt: skip
        place = Place(garment="p-0", distance=0.5, origin=origin)
        rows = rows_of(Whence(asked="s", kind="sample", name="s", places=(place,), record="novelty.csv"))

        assert rows["nearest 1"] == f"distance 0.500; garment p-0; {told}"


def test_records_stand_for_all_their_samples(tmp_path: Path) -> None:
    """novelty.csv, score.json and the pictures beside them answer for each sample; a garment that is gone as recorded."""
    hashes = fill(tmp_path)
    record = sample(tmp_path, hashes).with_name("novelty.csv")
    lost = {
        "source": f"{'0' * 64}-1",
        "distance": 0.5,
        "page_url": "http://b.example/",
        "image_url": "http://b.example/i",
    }
    kept = {"source": f"{hashes[0]}-0", "distance": 0.1, "page_url": "old", "image_url": "old"}
    score = tmp_path / "runs/gan-001/score.json"
    score.write_text(json.dumps({"nearest": [[kept], [lost]]}))
    with Catalog(tmp_path) as catalog:
        for asked in (record, record.with_suffix(".png")):
            assert [one.name for one in where(str(asked), catalog)] == ["seed-000003.png"]
        for asked in (score, score.parent / "samples" / "nearest.png"):
            first, second = where(str(asked), catalog)

            assert first.places[0].origin.pages[0].page_url == "http://a.example/look0"
            assert second.places[0].origin.pages[0].page_url == "http://b.example/"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("runs/gan-002/samples/seed-000007.png", "--seeds 7 --run gan-002`"),
        (
            "runs/gan-002/samples/seed-000007-upper-best-t0.7.png",
            "7 --run gan-002 --label upper --best --truncation 0.7`",
        ),
        ("samples/demo-garments/seed-000007.png", "--seeds 7 --model demo-garments`"),
        ("samples/demo-garments/seed-000007-t0.5-x4.png", "--model demo-garments --truncation 0.5 --upscale 4`"),
    ],
)
def test_what_nothing_is_recorded_of_says_what_to_run(tmp_path: Path, name: str, words: str) -> None:
    """A sample without a record, or whose record is of other bytes, ends with the command that makes one."""
    hashes = fill(tmp_path)
    sample(tmp_path, hashes, 7, run="gan-002")
    put_file(tmp_path / name, picture(999))
    with pytest.raises(UsageError, match=f"nothing is recorded.*deepstyle sample --novelty .*{words}"):
        ask(tmp_path, tmp_path / name)


@pytest.mark.parametrize("name", ["grid.png", "grid-labels-best-t0.7.png", "grid-0000000400.png"])
def test_a_grid_is_called_one(tmp_path: Path, name: str) -> None:
    """A grid of samples is told as what it is, with the remedy: one of its samples."""
    fill(tmp_path)
    put_file(tmp_path / "runs/gan-001/samples" / name, picture(999))
    with pytest.raises(UsageError, match=r"a grid of several samples; ask for one .*gan-001/samples/seed-000000\.png"):
        ask(tmp_path, tmp_path / "runs/gan-001/samples" / name)


def test_what_is_nothing_of_ours_is_said(tmp_path: Path) -> None:
    """A strange name, file or folder, another workspace's garment and a broken record end with a message, no traceback."""
    fill(tmp_path)
    (tmp_path / "novelty.csv").write_text("seed,file\n1,2\n")
    (tmp_path / "score.json").write_text("[" * 100_000)
    (tmp_path / "other.txt").write_text("text")
    for asked in ("nothing", tmp_path, tmp_path / "other.txt", "x" * 400, "caf\udce9.png"):
        with pytest.raises(UsageError, match="neither a garment, a photo nor a sample"):
            ask(tmp_path, asked)
    with pytest.raises(UsageError, match="nothing: there is no such file; neither"):
        ask(tmp_path, "nothing")
    with pytest.raises(UsageError, match="not in the workspace"):
        ask(tmp_path, "0" * 64 + "-3")
    with pytest.raises(InputError, match="make it again"):
        ask(tmp_path, tmp_path / "novelty.csv")
    with pytest.raises(InputError, match="not a score"):
        ask(tmp_path, tmp_path / "score.json")
    with pytest.raises(InputError, match="cannot be read"):
        ask(tmp_path, tmp_path / "gone" / "score.json")


def test_the_table_comes_back_as_it_was() -> None:
    """to_csv and from_csv are each other's inverse, whatever words the labels, pages and credits hold."""
    near = Near(
        garment='garments/a,b/"x".png', distance=0.25, ratio=0.5, page_url="file:///a%0Ab", photo_url="u", licence="a\nb",
        credit="Ä, B",
    )  # fmt: skip
    traces = [
        Trace(name="seed-000001.png", sha256="ab", seed=1, label="x,y", near=(near, near)),
        Trace(name="seed-000002.png", sha256="cd", seed=2, near=(near, near), copy=0.912, repeats="seed-000001.png"),
    ]

    former = to_csv(traces[:1]).replace(",copy,repeats", "").replace(",,\r\n", "\r\n")
    assert from_csv(to_csv(traces), "t") == traces
    assert from_csv(former, "t") == traces[:1]
    for wrong in ("", "a,b\n1,2", to_csv(traces).replace("0.250000", "far")):
        with pytest.raises(InputError, match=r"t: .*make it again"):
            from_csv(wrong, "t")
    for wrong in ("", "{}", "3", '{"nearest": [[{}]]}', '{"nearest": 5}'):
        with pytest.raises(InputError, match="t: not a score"):
            from_score(wrong, "t")


def test_the_command_answers_people_and_programs(tmp_path: Path) -> None:
    """The command prints pages, licence and credit, or one JSON object, and imports no torch."""
    hashes = fill(tmp_path)
    path = sample(tmp_path, hashes)
    call = ["-w", str(tmp_path), "where", f"{hashes[0]}-0", str(path)]
    said = CliRunner().invoke(main, call)
    assert said.exit_code == 0, said.output
    for word in ("http://a.example/look0", "http://a.example/archive", "CC0", "Ann", "distance 0.100", "a sample"):
        assert word in said.output
    told = json.loads(CliRunner().invoke(main, [*call, "--json"]).output)["found"]
    assert [one["kind"] for one in told] == ["garment", "sample"]
    assert told[0]["places"][0]["origin"]["pages"][1]["page_url"] == "http://a.example/archive"
    assert CliRunner().invoke(main, ["-w", str(tmp_path), "where", "nothing"]).exit_code == 2
    code = "import sys; import deepstyle.where, deepstyle.scraper.add; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
