"""`deepstyle forget`: a photo and all that came of it go, and never come back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from loopback import Routes, page, photo, serve
from test_scrape import crawl, img, photos, taken

from deepstyle import images
from deepstyle.about import CARD
from deepstyle.catalog import Catalog, garment_path
from deepstyle.cli import main
from deepstyle.config import ScrapeConfig
from deepstyle.dataset import Item, PackedDataset
from deepstyle.errors import UsageError
from deepstyle.export import export
from deepstyle.files import TEMPORARY, put_file
from deepstyle.forget import Forgetting, forget
from deepstyle.progress import Reporter
from deepstyle.records import Photo
from deepstyle.scraper.add import add


def ask(root: Path, *what: str) -> Forgetting:
    """One call of forget."""
    with Catalog(root) as catalog:
        return forget(what, catalog)


def cut(catalog: Catalog, one: Photo) -> None:
    """A garment of a photo, its detection, and its thumbnail on the review page."""
    put_file(
        catalog.path(garment_path(one.sha256, 0, "upper")), images.encode(np.full((8, 8, 3), one.width % 256, np.uint8))
    )
    catalog.detections.add(one.sha256, "m", [(0, 0, 8, 8, "upper", 1.0)])
    catalog.add_garment(one.sha256, 0, "upper", (0, 0, 8, 8), score=1, width=8, height=8, model="m", rule="r")
    put_file(catalog.root / f"review/photos/{one.sha256}.jpg", b"small")


def pack(catalog: Catalog, name: str, wanted: list[Photo]) -> PackedDataset:
    """A packed dataset of these photos' garments."""
    of = {one.sha256 for one in wanted}
    items = [
        Item(source=one.name, path=catalog.path(one.path), label=one.label)
        for one in catalog.garments()
        if one.photo in of
    ]
    return PackedDataset.pack(
        catalog.root / "datasets" / name, items, size=8, fit="stretch", reporter=Reporter(quiet=True)
    )


def test_a_photo_goes_with_all_that_came_of_it(tmp_path: Path) -> None:
    """Files, thumbnails, records, packs and rows go; runs and models that saw it are named and marked, others are not."""
    with serve({"/": page(img("/a.jpg", "/b.jpg")), **photos("/a.jpg", "/b.jpg")}) as site:
        crawl(tmp_path, site.url)
    with Catalog(tmp_path) as catalog:
        gone, stays = sorted(catalog.photos(), key=lambda one: one.image_url)
        for one in (gone, stays):
            cut(catalog, one)
        held, clean = pack(catalog, "both", [gone, stays]), pack(catalog, "one", [stays])
        for name, key in (("gan-001", held.key), ("gan-002", clean.key), ("gan-003", "0" * 64)):
            put_file(tmp_path / "runs" / name / "data.key", f"{key}more".encode())
            catalog.put_run(name, "gan", status="done", images=1, figures={})
        for name in ("gan-001", "gan-002"):
            put_file(tmp_path / "models" / name / "model.json", b"{}")
            catalog.put_model(name, "gan", {})
        put_file(tmp_path / "runs/gan-001/samples/nearest.png", b"it is on this")
        put_file(tmp_path / "runs/gan-001/score.json", json.dumps({"near": f"{gone.sha256}-0"}).encode())
        put_file(tmp_path / "runs/gan-002/score.json", json.dumps({"near": f"{stays.sha256}-0"}).encode())

    told = ask(tmp_path, gone.image_url)

    assert (told.photos, told.garments, told.packs) == (1, 1, ("both",))
    assert (told.saw, told.may_have_seen) == (("runs/gan-001", "models/gan-001"), ("runs/gan-003",))
    assert gone.sha256 in (tmp_path / "models/gan-001" / CARD).read_text()
    assert not (tmp_path / "models/gan-002" / CARD).exists()
    left = [path for path in tmp_path.rglob("*") if gone.sha256 in path.name or path.name == "nearest.png"]
    assert left == []
    assert [path.name for path in (tmp_path / "datasets").iterdir() if path.is_dir()] == ["one"]
    assert [path.parent.name for path in tmp_path.glob("runs/*/score.json")] == ["gan-002"]
    with Catalog(tmp_path) as catalog:
        assert [one.sha256 for one in catalog.photos()] == [stays.sha256]
        assert [one.photo for one in catalog.garments()] == [stays.sha256]
    again = ask(tmp_path, gone.sha256)
    assert (again.photos, again.saw) == (0, ())


def test_label_checks_of_a_photo_go_with_it(tmp_path: Path) -> None:
    """A check of labels that packed a forgotten photo goes with all it made, one half gone as well; others stay."""
    with Catalog(tmp_path) as catalog:
        kept, gone = ("a" * 64, "b" * 64)
        for one in (kept, gone):
            catalog.add_photo(
                one, b"jpg", extension="jpg", width=9, height=9, dhash="0" * 16, image_url=f"https://h.example/{one}",
                page_url="https://h.example/",
            )  # fmt: skip
            cut(catalog, catalog.photos(after=one[:63])[0])
            place = tmp_path / "label-checks" / one[0]
            items = [Item(source=f"x/{one}-0.png", path=catalog.path(garment_path(one, 0, "upper")), label="upper")]
            PackedDataset.pack(place / "datasets" / "all", items, size=8, fit="stretch", reporter=Reporter(quiet=True))
            put_file(place / "suspects.png", b"drawn")
        put_file(tmp_path / "label-checks" / f"{TEMPORARY}c" / "suspects.png", b"drawn")
        found = forget([gone], catalog)

    assert found.packs == ("label-checks/c", "label-checks/b")
    assert [path.name for path in (tmp_path / "label-checks").iterdir()] == ["a"]


def test_what_is_forgotten_never_comes_back(tmp_path: Path) -> None:
    """Neither from its address, which is not asked, nor as the same bytes or a smaller copy elsewhere, nor from a folder."""
    routes: Routes = {
        "/": page(img("/a.jpg", "/b.jpg")), "/new": page(img("/a.jpg", "/copy.jpg", "/small.jpg", "/c.jpg")),
        "/a.jpg": photo(1, 600, 640), "/copy.jpg": photo(1, 600, 640), "/small.jpg": photo(1, 300, 320),
        **photos("/b.jpg", "/c.jpg"),
    }  # fmt: skip
    with serve(routes) as site:
        crawl(tmp_path / "w", site.url)
        ask(tmp_path / "w", site.url + "/a.jpg")
        summary = crawl(tmp_path / "w", site.url + "/new", max_depth=0)

        assert taken(tmp_path / "w") == {"/b.jpg", "/c.jpg"}
        assert (summary.forgotten, summary.failed, site.hits["/a.jpg"]) == (3, 0, 1)
    put_file(tmp_path / "own" / "a.jpg", photo(1, 600, 640))
    put_file(tmp_path / "own" / "d.jpg", photo(9))
    with Catalog(tmp_path / "w") as catalog:
        added = add([tmp_path / "own"], catalog, ScrapeConfig(), reporter=Reporter(quiet=True))
    assert added.outcomes == {"forgotten": 1, "kept": 1}


def test_an_export_after_forgetting_holds_no_older_shards(tmp_path: Path) -> None:
    """Exported again to the same place, .tar files beyond those that are written now go: they hold what is forgotten."""
    with serve({"/": page(img("/a.jpg", "/b.jpg")), **photos("/a.jpg", "/b.jpg")}) as site:
        crawl(tmp_path, site.url)
        with Catalog(tmp_path) as catalog:
            assert export(catalog, "webdataset", tmp_path / "out", shard=1) == 2
        ask(tmp_path, site.url + "/a.jpg")
    with Catalog(tmp_path) as catalog:
        assert export(catalog, "webdataset", tmp_path / "out", shard=1) == 1

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["000000.tar"]


def test_a_host_or_a_page_is_forgotten_with_all_its_photos(tmp_path: Path) -> None:
    """A page's address takes what it shows, a host's name all of it, and whatever the host shows later."""
    with serve({"/": page(img("/a.jpg", "/b.jpg"), '<a href="/c">c</a>'), "/c": page(img("/c.jpg")),
                "/later": page(img("/d.jpg")), **photos("/a.jpg", "/b.jpg", "/c.jpg", "/d.jpg")}) as site:  # fmt: skip
        crawl(tmp_path, site.url)
        assert ask(tmp_path, site.url + "/c").photos == 1
        assert taken(tmp_path) == {"/a.jpg", "/b.jpg"}
        assert ask(tmp_path, site.url.removeprefix("http://")).photos == 2
        summary = crawl(tmp_path, site.url + "/later", max_depth=0)

        assert (summary.kept, summary.forgotten, site.hits["/d.jpg"]) == (0, 1, 0)


@pytest.mark.parametrize("what", ["look 17", "abc", "http://", "../photos", ""])
def test_what_is_no_photo_is_refused(tmp_path: Path, what: str) -> None:
    """A name that is neither address, host nor hash is told, with what would be right; nothing is recorded."""
    with pytest.raises(UsageError, match=r"neither the address|without a host"):
        ask(tmp_path, what)
    with Catalog(tmp_path) as catalog:
        assert catalog.rights.forgotten() == []


def test_the_command_tells_what_went(tmp_path: Path) -> None:
    """`deepstyle forget --json` is one object with counts and names."""
    with Catalog(tmp_path):
        pass
    result = CliRunner().invoke(main, ["-w", str(tmp_path), "forget", "a.example", "--json"])

    assert json.loads(result.output)["never_again"] == ["a.example"]


@pytest.mark.parametrize(
    "spelling", ["{url}/a.jpg#x", "http://LOCALHOST:{port}/a.jpg", "{url}/./a.jpg", "{url}/%61.jpg"]
)
def test_an_address_may_be_spelt_as_a_person_spells_it(tmp_path: Path, spelling: str) -> None:
    """Capital letters of a host, a fragment, dot segments and idle escapes name the same photo."""
    with serve({"/": page(img("/a.jpg")), **photos("/a.jpg")}) as site:
        url = site.url.replace("127.0.0.1", "localhost")
        crawl(tmp_path, url)
        what = spelling.format(url=url, port=url.rpartition(":")[2])
        result = CliRunner().invoke(main, ["-w", str(tmp_path), "forget", what, "--json"])

    told = json.loads(result.output)
    assert (told["photos"], told["never_again"]) == (1, [f"{url}/a.jpg"])


def test_a_host_takes_what_its_pages_show_as_well(tmp_path: Path) -> None:
    """A photo that lies elsewhere, and that another host's page showed first, was seen on this host, too."""
    with serve(photos("/a.jpg")) as cdn, serve({}) as first, serve({}) as second:
        first.routes["/"] = second.routes["/"] = page(img(cdn.url + "/a.jpg"))
        crawl(tmp_path, first.url)
        crawl(tmp_path, second.url)

        assert ask(tmp_path, second.url.removeprefix("http://")).photos == 1


def test_a_host_stands_for_all_its_ports(tmp_path: Path) -> None:
    """A host that is named without a port loses the photos from each of its ports, and none is taken from there again."""
    with serve({"/": page(img("/a.jpg")), **photos("/a.jpg")}) as site:
        crawl(tmp_path / "known", site.url)
        name = site.url.removeprefix("http://").partition(":")[0]

        assert ask(tmp_path / "known", name).photos == 1

        ask(tmp_path / "new", name)
        crawl(tmp_path / "new", site.url)
    with Catalog(tmp_path / "new") as catalog:
        assert catalog.count("photos") == 0


def test_a_file_or_folder_that_was_added_is_forgotten_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path of one's own file names its photo, also when the file has gone, so does its garment's; a folder all its photos."""
    mine = tmp_path / "mine"
    for k in range(4):
        put_file(
            mine / f"{k}.png", images.encode(np.random.default_rng(k).integers(0, 256, (400, 400, 3)).astype(np.uint8))
        )
    with Catalog(tmp_path / "w") as catalog:
        add([mine], catalog, ScrapeConfig(), reporter=Reporter(quiet=True))
        for one in catalog.photos():
            cut(catalog, one)
        garment = catalog.path(catalog.garments()[0].path)
    monkeypatch.chdir(mine)
    assert ask(tmp_path / "w", str(garment)).photos == 1
    with Catalog(tmp_path / "w") as catalog:
        left = {Path(one.image_url).name for one in catalog.photos()}
    name = min(left)
    (mine / name).unlink()

    assert (ask(tmp_path / "w", name).photos, ask(tmp_path / "w", "../mine").photos) == (1, 2)
    with pytest.raises(UsageError, match="nor a file or folder"):
        ask(tmp_path / "w", "../mine/none")


@pytest.mark.parametrize("what", ["host", "address"])
def test_a_photo_goes_with_the_host_that_it_was_sent_on_to(tmp_path: Path, what: str) -> None:
    """A redirect's host, or the address there, names the photo as well: it is what an audit tells that reserves it."""
    with serve(photos("/1.jpg")) as cdn:
        with serve(
            {"/": page(img("/a.jpg")), "/a.jpg": lambda x: x.send(status=302, Location=f"{cdn.url}/1.jpg")}
        ) as site:
            crawl(tmp_path, site.url)
        asked = cdn.url.removeprefix("http://") if what == "host" else f"{cdn.url}/1.jpg"

        assert ask(tmp_path, asked).photos == 1


def test_a_folder_is_forgotten_with_the_folders_in_it_and_nothing_else(tmp_path: Path) -> None:
    """A folder's name takes what was added from folders below it, at any depth, not what a list that lies there led to."""
    mine, rng = tmp_path / "my photos", np.random.default_rng(0)
    for name in ("a.png", "one/b.png", "one/two/c.png"):
        put_file(mine / name, images.encode(rng.integers(0, 256, (400, 400, 3)).astype(np.uint8)))
    beside = tmp_path / "my photos 2" / "d.png"
    put_file(beside, images.encode(rng.integers(0, 256, (400, 400, 3)).astype(np.uint8)))
    root = tmp_path / "w"
    with serve(photos("/a.jpg")) as site:
        put_file(mine / "list.txt", f"{site.url}/a.jpg\n".encode())
        crawl(root, str(mine / "list.txt"))
    with Catalog(root) as catalog:
        add([mine, beside.parent], catalog, ScrapeConfig(), reporter=Reporter(quiet=True))

    assert ask(root, str(mine)).photos == 3
    with Catalog(root) as catalog:
        assert {Path(one.image_url).name for one in catalog.photos()} == {"a.jpg", "d.png"}


def test_an_empty_name_forgets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell's empty variable is refused; it does not stand for the folder that one is in."""
    pixels = np.random.default_rng(0).integers(0, 256, (400, 400, 3)).astype(np.uint8)
    put_file(tmp_path / "mine" / "a.png", images.encode(pixels))
    with Catalog(tmp_path / "w") as catalog:
        add([tmp_path / "mine"], catalog, ScrapeConfig(), reporter=Reporter(quiet=True))
    monkeypatch.chdir(tmp_path / "mine")
    with pytest.raises(UsageError, match="'': neither"):
        ask(tmp_path / "w", "")
