"""What may be given to scrape: lists of addresses in several forms, templates, and the settings of how sites are asked."""

from __future__ import annotations

import json
import tarfile
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from loopback import Exchange, Routes, page, photo, serve
from test_scrape import crawl, img, photos, taken

from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.config import ScrapeConfig, load_values
from deepstyle.errors import ConfigError, InputError, UsageError
from deepstyle.export import export
from deepstyle.scraper.lists import read_list
from deepstyle.scraper.templates import expand


def written(kind: str, rows: list[dict[str, str]]) -> str:
    """The text of a list file of these rows."""
    if kind == ".txt":
        return "# mine\n\n" + "".join(f"{row['url']}\n" for row in rows) + "not an address\n"
    if kind == ".jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows)
    mark = "\t" if kind == ".tsv" else ","
    return mark.join(rows[0]) + "\n" + "".join(mark.join(row.values()) + "\n" for row in rows)


@pytest.mark.parametrize("kind", [".txt", ".csv", ".tsv", ".jsonl"])
def test_lists_of_pictures_and_pages(tmp_path: Path, kind: str) -> None:
    """Pictures are taken, pages visited without their links; the other columns stand with the photos; more rows, more photos."""
    routes: Routes = {"/show": page(img("/b.jpg"), '<a href="/far">far</a>'), "/far": page(img("/never.jpg"))}
    with serve(routes | photos("/a.jpg", "/b.jpg", "/c.jpg", "/never.jpg")) as site:
        rows = [
            {"url": f"{site.url}/{name}", "title": name, "designer": "Muster"} for name in ("a.jpg", "show", "c.jpg")
        ]
        source = tmp_path / f"looks{kind}"
        source.write_text(written(kind, rows[:2]))
        crawl(tmp_path / "w", str(source))
        assert taken(tmp_path / "w") == {"/a.jpg", "/b.jpg"}
        source.write_text(written(kind, rows))
        assert crawl(tmp_path / "w", str(source)).kept == 3
        assert site.hits["/far"] == 0
        assert site.hits["/a.jpg"] == 1
    with Catalog(tmp_path / "w") as catalog:
        more = {row["image_url"][-5:]: row["more"] for row in catalog.rights.rows(1)}
    assert kind == ".txt" or all(json.loads(more[name])["designer"] == "Muster" for name in ("a.jpg", "b.jpg"))


def test_standard_input_is_a_list(tmp_path: Path) -> None:
    """`deepstyle scrape -` reads addresses, or JSON lines, from a pipe."""
    with serve(photos("/a.jpg", "/b.jpg")) as site:
        text = f'{site.url}/a.jpg\n{{"image": "{site.url}/b.jpg", "season": "fall"}}\n'
        words = ["-q", "-w", str(tmp_path), "scrape", "-", "--allow-private", "--rate", "500"]
        result = CliRunner().invoke(main, words, input=text)
        assert result.exit_code == 0, result.output

    assert taken(tmp_path) == {"/a.jpg", "/b.jpg"}


def test_a_list_is_streamed_into_the_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long list only a window is lined up at a time, and all of it is fetched."""
    monkeypatch.setattr("deepstyle.scraper.ledger.WINDOW", 4)
    monkeypatch.setattr("deepstyle.scraper.ledger.FEW", 2)
    monkeypatch.setattr("deepstyle.scraper.sources.BATCH", 3)
    names = [f"/p{n}.jpg" for n in range(14)]
    with serve(photos(*names)) as site:
        (tmp_path / "l.txt").write_text("".join(f"{site.url}{name}\n" for name in names))
        assert crawl(tmp_path / "w", str(tmp_path / "l.txt")).kept == 14


def test_which_column_holds_the_address(tmp_path: Path) -> None:
    """The one that is called so, else the first with an address; no head line is needed; strange rows hold none."""
    (tmp_path / "a.csv").write_text("look,URL,image_url\n1,http://a.example/p,http://a.example/x?id=1\n2,,\n")
    (tmp_path / "b.csv").write_text("7,http://a.example/y.jpg\n8,http://a.example/z.jpg\n")
    (tmp_path / "c.jsonl").write_text('"http://a.example/q.png"\n[1]\n')
    found = [
        [(row.url, row.picture) for row in read_list(str(tmp_path / name))] for name in ("a.csv", "b.csv", "c.jsonl")
    ]

    assert found == [
        [("http://a.example/x?id=1", True), ("", False)],
        [("http://a.example/y.jpg", True), ("http://a.example/z.jpg", True)],
        [("http://a.example/q.png", True), ("", False)],
    ]


def test_lists_that_cannot_be_read(tmp_path: Path) -> None:
    """An empty list, one without any address, and a missing file are named."""
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "bad.jsonl").write_text('{"url": 1}\n{"\n')
    with pytest.raises(InputError, match=r"empty\.txt: the list is empty"):
        crawl(tmp_path / "w", str(tmp_path / "empty.txt"))
    with pytest.raises(InputError, match=r"bad\.jsonl: none of its 2 rows holds an address"):
        crawl(tmp_path / "w", str(tmp_path / "bad.jsonl"))
    with pytest.raises(UsageError, match="there is no such file"):
        crawl(tmp_path / "w", str(tmp_path / "none.txt"))


def test_parquet_lists_and_tables(tmp_path: Path) -> None:
    """A Parquet list is read with its columns, and a Parquet table written with all of them."""
    pa = pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'deepstyle[parquet]'")
    pq = pytest.importorskip("pyarrow.parquet")
    with serve(photos("/a.jpg")) as site:
        pq.write_table(
            pa.table({"url": [f"{site.url}/a.jpg"], "n": [3], "day": [date(2019, 2, 1)]}), tmp_path / "l.parquet"
        )
        crawl(tmp_path / "w", str(tmp_path / "l.parquet"))
    with Catalog(tmp_path / "w") as catalog:
        assert export(catalog, "parquet", tmp_path / "out.parquet") == 1
    [row] = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert json.loads(row["more"]) == {"n": 3, "day": "2019-02-01"}


def test_exports(tmp_path: Path) -> None:
    """CSV and JSON lines hold a row a photo; .tar files the bytes and a .json each, so many to a file."""
    with serve({"/": page(img("/a.jpg", "/b.jpg", "/c.jpg")), **photos("/a.jpg", "/b.jpg", "/c.jpg")}) as site:
        crawl(tmp_path / "w", site.url)
    for form, name in (("csv", "o.csv"), ("jsonl", "o.jsonl"), ("webdataset", "shards")):
        words = [
            "-w",
            str(tmp_path / "w"),
            "photos",
            "export",
            "--to",
            form,
            "--out",
            str(tmp_path / name),
            "--shard",
            "2",
        ]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, result.output
    assert len((tmp_path / "o.csv").read_text().splitlines()) == 4
    rows = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert {row["image_url"].rpartition("/")[2] for row in rows} == {"a.jpg", "b.jpg", "c.jpg"}
    names = []
    for shard in sorted((tmp_path / "shards").iterdir()):
        with tarfile.open(shard) as tar:
            names.append(len(tar.getnames()))
    assert names == [4, 2]
    with Catalog(tmp_path / "empty") as catalog, pytest.raises(UsageError, match="holds no photos"):
        export(catalog, "csv", tmp_path / "x.csv")


def test_a_table_goes_to_a_file(tmp_path: Path) -> None:
    """A dash is refused as the name of a table: no file of that name is written."""
    with Catalog(tmp_path) as catalog, pytest.raises(UsageError, match=r"--out -: .*name one"):
        export(catalog, "csv", Path("-"))


def test_a_template_stands_for_all_its_addresses() -> None:
    """The houses and seasons of the shipped file fill 39 addresses; what cannot be filled is named."""
    found = expand("https://a.example/{house}/{season}", load_values("runway-houses"))

    assert len(found) == len(set(found)) == 13 * 3
    assert found[0] == "https://a.example/burberry/fall-2017"
    with pytest.raises(UsageError, match="has no year; it has house, season"):
        expand("https://a.example/{house}/{year}", load_values("runway-houses"))
    with pytest.raises(UsageError, match="has no gap"):
        expand("https://a.example/", {})
    with pytest.raises(UsageError, match="more than 100,000"):
        expand("{a}{b}", {"a": ["1"] * 1000, "b": ["1"] * 1000})
    with pytest.raises(ConfigError, match=r"--values .*not valid YAML"):
        load_values(__file__)


def test_a_file_of_values_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    """No such file shows how one is written; a list called kind fills a gap, and a file without words has none."""
    with pytest.raises(ConfigError, match=r"--values .*v\.yaml: there is no such file; write one"):
        load_values(str(tmp_path / "v.yaml"))
    (tmp_path / "v.yaml").write_text("kind: [css, state]\n")

    assert expand("https://a.example/{kind}", load_values(str(tmp_path / "v.yaml"))) == [
        "https://a.example/css", "https://a.example/state",
    ]  # fmt: skip
    with pytest.raises(UsageError, match=r"no kind; it has none"):
        expand("https://a.example/{kind}", {})


def test_a_gap_in_an_address_is_no_address(tmp_path: Path) -> None:
    """`scrape https://site/{house}` was taken as it stands; now it is told how to fill the gap."""
    with pytest.raises(UsageError, match="--template"):
        crawl(tmp_path, "http://a.example/{house}/")


def test_templates_on_the_command_line(tmp_path: Path) -> None:
    """One's own values fill a template, each address is a start page."""
    values = tmp_path / "mine.yaml"
    values.write_text("# mine\nhouse: [one, two words]\n")
    with serve(
        {"/one": page(img("/a.jpg")), "/two%20words": page(img("/b.jpg")), **photos("/a.jpg", "/b.jpg")}
    ) as site:
        words = [
            "-q",
            "-w",
            str(tmp_path / "w"),
            "scrape",
            "--template",
            site.url + "/{house}",
            "--values",
            str(values),
        ]
        result = CliRunner().invoke(main, [*words, "--allow-private", "--rate", "500"])
        assert result.exit_code == 0, result.output

    assert taken(tmp_path / "w") == {"/a.jpg", "/b.jpg"}


def test_headers_cookies_and_contact_are_sent(tmp_path: Path) -> None:
    """Headers go to the hosts that were given, and to no other; cookies to their sites; the contact stands in the agent."""
    seen: dict[str, list[str]] = {}

    def shop(x: Exchange) -> None:
        seen[x.path] = [x.headers.get(name, "") for name in ("X-Key", "Cookie", "User-Agent")]
        x.send(
            page(img(f"{cdn.url}/b.jpg")) if x.path == "/" else photo(3), "text/html" if x.path == "/" else "image/jpeg"
        )

    (tmp_path / "cookies.txt").write_text(
        "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t4102444800\tsession\tabc\n"
        "127.0.0.1\tFALSE\t/\tFALSE\t0\tuntil-it-closes\t1\n127.0.0.1\tFALSE\t/\tFALSE\t1000000000\tover\t1\n"
    )
    with serve({"/b.jpg": shop}) as cdn, serve({"/": shop}) as site:
        words = [
            "-q",
            "-w",
            str(tmp_path / "w"),
            "scrape",
            site.url,
            "--allow-private",
            "--rate",
            "500",
            "--depth",
            "1",
        ]
        words += ["--header", "X-Key: a: b", "--cookies", str(tmp_path / "cookies.txt"), "--contact", "me@a.example"]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, result.output

    assert seen["/"][:2] == ["a: b", "session=abc; until-it-closes=1"]
    assert seen["/b.jpg"][0] == ""
    assert seen["/"][2].endswith("; me@a.example)")
    for wrong in (["--header", "nothing"], ["--cookies", "none.txt"], ["--proxy", "nowhere"]):
        result = CliRunner().invoke(main, ["-w", str(tmp_path / "w"), "scrape", "http://a.example/", *wrong])
        assert result.exit_code == 2
        assert wrong[0].lstrip("-") in result.output


def test_another_host_is_visited_when_it_is_named(tmp_path: Path) -> None:
    """`--also-host` widens the site by a host; others stay outside."""
    with serve({"/x": page(img("/b.jpg")), **photos("/b.jpg")}) as other:
        routes: Routes = {"/": page(img("/a.jpg"), f'<a href="{other.url}/x">x</a>'), **photos("/a.jpg")}
        with serve(routes) as site:
            assert crawl(tmp_path / "1", site.url).kept == 1
            assert crawl(tmp_path / "2", site.url, also_hosts=(other.url.removeprefix("http://"),)).kept == 2
            assert crawl(tmp_path / "3", site.url, also_hosts=(other.url.replace("http", "HTTP") + "/",)).kept == 2


class Proxy(BaseHTTPRequestHandler):
    """A proxy that answers everything with a page or a photo, and notes what it was asked for."""

    asked: list[str]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = photo(1) if self.path.endswith(".jpg") else page(img("/a.jpg"))
        self.send_response(404 if "robots" in self.path or "tdmrep" in self.path else 200)
        self.send_header("Content-Type", "image/jpeg" if self.path.endswith(".jpg") else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_a_proxy_is_asked_for_everything_but_private_addresses(tmp_path: Path) -> None:
    """Names that only the proxy knows go through it; an address that the guard refuses does not even there."""
    asked: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Proxy,), {"asked": asked})) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        proxy = f"http://127.0.0.1:{server.server_address[1]}"
        assert crawl(tmp_path / "1", "http://gallery.invalid/", proxy=proxy, allow_private=False).kept == 1
        with pytest.raises(InputError, match="private-address"):
            crawl(tmp_path / "2", "http://127.0.0.1:9/", proxy=proxy, allow_private=False)
        with pytest.raises(InputError, match="check the proxy"):
            crawl(tmp_path / "3", "http://gallery.invalid/", proxy="http://127.0.0.1:9", allow_private=False)
        server.shutdown()
        thread.join()

    assert "http://gallery.invalid/a.jpg" in asked
    assert not [url for url in asked if "127.0.0.1" in url]


def test_the_contact_stands_in_the_agent() -> None:
    """In the brackets of the default, else in brackets of its own."""
    assert ScrapeConfig(contact="me@a.example").agent.endswith("deepstyle; me@a.example)")
    assert ScrapeConfig(user_agent="bot/1", contact="www.a.example").agent == "bot/1 (www.a.example)"
