"""What is kept against what sites reserve today: the audit, and asking known hosts again after a day."""

from __future__ import annotations

import io
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from loopback import Exchange, Routes, page, photo, serve
from test_scrape import PATIENT, img, photos

from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.config import ScrapeConfig
from deepstyle.forget import forget
from deepstyle.progress import Reporter
from deepstyle.scraper.answer import Fetched
from deepstyle.scraper.audit import Audit, audit
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.hosts import Hosts
from deepstyle.scraper.scrape import ScrapeSummary, scrape

DAY = 24 * 3600
JPEG = photo(5), "image/jpeg"


def crawl(
    root: Path, url: str, *, later: float = 0, say: io.StringIO | None = None, **changes: object
) -> ScrapeSummary:
    """A scrape that takes place ``later`` by this many seconds."""
    config = ScrapeConfig.model_validate({"rate": 500, "allow_private": True, "retries": 0} | PATIENT | changes)
    with Fetcher(config) as fetcher, Catalog(root, clock=lambda: time.time() + later) as catalog:
        reporter = Reporter(quiet=say is None, stream=say)
        return scrape([url], catalog, config, fetcher=fetcher, reporter=reporter)


def audited(root: Path) -> Audit:
    """The audit of a workspace."""
    with Catalog(root, reading=True) as catalog:
        return audit(catalog, ScrapeConfig().user_agent)


CHANGES: dict[str, tuple[str, bytes]] = {
    "Content-Signal": ("/robots.txt", b"User-agent: *\nContent-Signal: ai-train=no\n"),
    "Disallow": ("/robots.txt", b"User-agent: *\nDisallow: /looks/\n"),
    "tdmrep": ("/.well-known/tdmrep.json", b'[{"location": "/looks/", "tdm-reservation": 1}]'),
}


@pytest.mark.parametrize("how", CHANGES)
def test_photos_that_become_reserved_are_named(tmp_path: Path, how: str) -> None:
    """After a day a known host's files are asked for again, though the crawl is complete; what they reserve now is named."""
    path, text = CHANGES[how]
    routes: Routes = {"/": page(img("/looks/a.jpg")), **photos("/looks/a.jpg")}
    with serve(routes) as site:
        crawl(tmp_path, site.url)
        assert (audited(tmp_path).silent, audited(tmp_path).reserved) == (1, ())
        routes[path] = lambda x: x.send(text, "text/plain")
        before = site.hits.total()
        crawl(tmp_path, site.url, later=DAY - 600)
        assert site.hits.total() == before
        said = io.StringIO()
        crawl(tmp_path, site.url, later=DAY + 600, say=said)

        assert site.hits["/robots.txt"] == site.hits["/.well-known/tdmrep.json"] == 2
        assert site.hits["/looks/a.jpg"] == 1
        assert f"{site.url}/looks/a.jpg is kept and has become reserved" in said.getvalue()
    [found] = audited(tmp_path).reserved
    assert found.image_url.endswith("/looks/a.jpg")
    assert text.split()[-1].decode() in found.words or how != "Content-Signal"
    result = CliRunner().invoke(main, ["-w", str(tmp_path), "status", "--reservations", "--json"])
    assert json.loads(result.output)["reserved"][0]["sha256"] == found.sha256


def test_a_header_that_lifts_tdmrep_stays_lifted(tmp_path: Path) -> None:
    """A photo whose own header allowed what tdmrep.json reserves is no finding; statements that reserve nothing are counted."""

    def lifted(x: Exchange) -> None:
        x.send(photos("/a.jpg")["/a.jpg"], "image/jpeg", TDM_Reservation="0")  # type: ignore[arg-type]

    file = b'[{"location": "/a.jpg", "tdm-reservation": 1, "tdm-policy": "http://p.example/"}]'
    routes: Routes = {"/": page(img("/a.jpg")), "/a.jpg": lifted, "/.well-known/tdmrep.json": lambda x: x.send(file)}
    with serve(routes) as site:
        crawl(tmp_path, site.url)

    found = audited(tmp_path)
    assert (found.photos, found.hosts) == (found.stated, 1)


def test_rules_are_asked_for_again_after_a_day() -> None:
    """Within one long crawl, too; a file that could not be had a minute later."""
    now, asked = [0.0], list[str]()
    outcomes = {"/robots.txt": "ok", "/.well-known/tdmrep.json": "http-404"}

    def fetch(url: str) -> Fetched:
        path = url.removeprefix("http://a.example")
        asked.append(path)
        return Fetched(outcome=outcomes[path], kind="robots", url=url, final_url=url, body=b"")

    hosts = Hosts[Fetched](fetch, "deepstyle", lambda: now[0])
    for seconds, requests in ((0, 2), (DAY - 1, 2), (DAY + 1, 4)):
        now[0] = seconds
        assert hosts.rules("http://a.example/x").outcome == "ok"
        assert len(asked) == requests
    outcomes["/.well-known/tdmrep.json"] = "http-503"
    now[0] = 3 * DAY
    assert hosts.rules("http://a.example/x").outcome == "http-503"
    outcomes["/.well-known/tdmrep.json"] = "ok"
    assert hosts.rules("http://a.example/x").outcome == "http-503"
    now[0] += 61
    assert hosts.rules("http://a.example/x").outcome == "ok"


def test_a_tdmrep_file_that_fails_for_a_while_holds_the_host(tmp_path: Path) -> None:
    """As with robots.txt: while it answers 5xx nothing is taken, and nothing is given up either."""
    down = [True]
    routes: Routes = {"/": page(img("/a.jpg")), **photos("/a.jpg"),
                      "/.well-known/tdmrep.json": lambda x: x.send(status=503 if down[0] else 404)}  # fmt: skip
    with serve(routes) as site:
        config = ScrapeConfig.model_validate({"rate": 500, "allow_private": True, "retries": 0} | PATIENT)
        with Fetcher(config) as fetcher:
            assert fetcher.get(site.url + "/a.jpg", "image").outcome == "host-busy"
        assert site.hits["/a.jpg"] == 0
        down[0] = False
        assert crawl(tmp_path, site.url).kept == 1


def test_noai_is_on_record_as_what_was_read(tmp_path: Path) -> None:
    """X-Robots-Tag and the robots meta element stand with the other reservations, where they were read."""
    head = '<meta name="robots" content="noai, nofollow"><meta name="tdm-reservation" content="0">'
    routes: Routes = {"/": page(img("/a.jpg"), '<a href="/p">p</a>'), "/p": page(head=head),
                      "/a.jpg": lambda x: x.send(*JPEG, X_Robots_Tag="noai")}  # fmt: skip
    with serve(routes) as site:
        crawl(tmp_path, site.url)
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as database:
        said = {url.rpartition("/")[2]: text for url, text in database.execute("SELECT url, reservation FROM fetches")}

    assert said["a.jpg"] == "header: X-Robots-Tag: noai"
    assert said["p"] == "meta: robots: noai, nofollow; meta: tdm-reservation: 0"


def test_the_audit_reads_the_group_of_who_asked(tmp_path: Path) -> None:
    """A scrape by another name is held against that name's group of robots.txt, whatever the default is."""
    routes: Routes = {"/": page(img("/a.jpg")), **photos("/a.jpg")}
    with serve(routes) as site:
        for later in (0, DAY + 600):
            crawl(tmp_path, site.url, later=later, user_agent="otherbot/1")
            found = audited(tmp_path).reserved
            assert len(found) == bool(later)
            routes["/robots.txt"] = (
                b"User-agent: deepstyle\nAllow: /\n\nUser-agent: otherbot\nContent-Signal: ai-train=no\n"
            )


SITEMAP = """<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">{}</urlset>"""
LOC = "<url><loc>{0}/p{1}</loc><image:image><image:loc>{0}/{1}.jpg</image:loc></image:image></url>"
FEED = "<rss><channel>{}</channel></rss>"
ITEM = '<item><title>t</title><link>{0}/p{1}</link><enclosure url="{0}/{1}.jpg" type="image/jpeg" length="1"/></item>'


@pytest.mark.parametrize(("whole", "part"), [(SITEMAP, LOC), (FEED, ITEM)], ids=["sitemap", "feed"])
def test_pictures_of_a_sitemap_or_feed_wait_for_their_pages(tmp_path: Path, whole: str, part: str) -> None:
    """Those of a noai, a TDM-reserved and a forbidden page are never asked for; those of others, and of lost pages, are taken."""
    routes: Routes = {
        "/robots.txt": b"User-agent: *\nDisallow: /p4\n",
        "/p1": page(head='<meta name="robots" content="noai">'), "/p3": page("nothing of its own"), "/p4": page(),
        "/p2": page(head='<meta name="tdm-reservation" content="1">'), "/p6": lambda x: x.send(status=302, Location="/p1"),
        **photos(*(f"/{n}.jpg" for n in range(1, 7))),
    }  # fmt: skip
    with serve(routes) as site:
        text = whole.format("".join(part.format(site.url, n) for n in range(1, 7))).encode()
        routes["/list"] = lambda x: x.send(text, "text/xml")
        summary = crawl(tmp_path, site.url + "/list")

        assert [site.hits[f"/{n}.jpg"] for n in range(1, 7)] == [0, 0, 1, 0, 1, 0]
    assert summary.outcomes == {"kept": 2, "noai": 3, "robots": 1}
    assert audited(tmp_path).reserved == ()


@pytest.mark.parametrize("how", ["Content-Signal", "Disallow", "tdmrep"])
def test_a_page_that_becomes_reserved_is_named_with_its_photos_elsewhere(tmp_path: Path, how: str) -> None:
    """The photos lie on another host, which says nothing; a meta element that lifts tdmrep.json holds for them, too."""
    path, text = CHANGES[how]
    lifted = page(img("/b.jpg"), head='<meta name="tdm-reservation" content="0">')
    with serve(photos("/a.jpg", "/b.jpg")) as cdn:
        routes: Routes = {"/looks/1": page(img(cdn.url + "/a.jpg"), '<a href="/looks/2">2</a>')}
        routes["/looks/2"] = lifted.replace(b'"/b.jpg"', f'"{cdn.url}/b.jpg"'.encode())
        with serve(routes) as site:
            assert crawl(tmp_path, site.url + "/looks/1").kept == 2
            assert audited(tmp_path).reserved == ()
            routes[path] = lambda x: x.send(text, "text/plain")
            said = io.StringIO()
            crawl(tmp_path, site.url + "/looks/1", later=DAY + 600, say=said)

            assert f"{cdn.url}/a.jpg is kept and has become reserved (its page {site.url}/looks/1: " in said.getvalue()
            assert (f"{cdn.url}/b.jpg is kept" in said.getvalue()) == (how != "tdmrep")
    assert len(audited(tmp_path).reserved) == 2 - (how == "tdmrep")


def test_a_picture_whose_original_is_forbidden_counts_as_the_variant_that_was_taken(tmp_path: Path) -> None:
    """Its own address stands in the catalog, which nothing forbids; it is not fetched again, and can be forgotten."""
    variant = "/_next/image?url=%2Fmedia%2Fa.jpg&w=640&q=75"
    routes: Routes = {"/robots.txt": b"User-agent: *\nDisallow: /media/\n", "/": page(img(variant.replace("&", "&amp;"))),
                      "/_next/image": lambda x: x.send(*JPEG), **photos("/media/a.jpg")}  # fmt: skip
    with serve(routes) as site:
        assert crawl(tmp_path, site.url).kept == 1
        asked = +site.hits
        crawl(tmp_path, site.url, later=DAY + 600)
        assert site.hits["/media/a.jpg"] == 0
        assert [site.hits[one] - asked[one] for one in asked if "image" in one] == [0]
        found = audited(tmp_path)
        assert (found.photos, found.silent) == (1, 1)
        with Catalog(tmp_path) as catalog:
            [one] = catalog.photos()
            assert "/_next/image?url=" in one.image_url
            assert forget([one.image_url], catalog).photos == 1
