"""take.py and what it asks of fetch.py and stream.py: fallbacks, whatever a decoder raises, lengths that lie, memory."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from loopback import Exchange, Routes, page, photo, serve
from PIL import Image
from test_fetch import config
from test_scrape import crawl, img, photos, taken

from deepstyle.catalog import Catalog
from deepstyle.errors import InputError
from deepstyle.images import decode
from deepstyle.looks import looks
from deepstyle.records import Listing
from deepstyle.scraper.answer import Fetched, Kind
from deepstyle.scraper.check import check
from deepstyle.scraper.ends import cut, whole
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.reservations import Verdict
from deepstyle.scraper.take import look, take, visit


class Failing(Fetcher):
    """A fetcher in which something breaks that nobody foresaw."""

    def get(self, url: str, kind: Kind, *, referer: str = "") -> Fetched:
        raise RuntimeError("Failed to decode image: Decoding of color planes failed")


def test_whatever_a_worker_raises_is_the_outcome_of_its_url() -> None:
    """Neither a page nor a photo ends the crawl: the error is its outcome, named in the detail."""
    one = Listing(image_url="http://a.example/a.avif", page_url="http://a.example/")
    with Failing(config()) as fetcher:
        answers = [take(fetcher, one, config(), ()).answer, visit(fetcher, one.page_url).answer]

    assert [answer.outcome for answer in answers] == ["unreadable"] * 2
    assert all("RuntimeError: Failed to decode" in answer.detail for answer in answers)


class Unsure(Fetcher):
    """A fetcher in which reading what is reserved breaks."""

    def reservation(self, answer: Fetched, stated: object) -> Verdict:
        raise OverflowError("nobody foresaw this")


def test_what_breaks_after_a_page_was_read_is_its_outcome() -> None:
    """Reservations, Link headers and what is on disk are looked at inside the guard of the worker."""
    with serve({"/": page()}) as site, Unsure(config()) as fetcher:
        answer = visit(fetcher, site.url + "/").answer

    assert (answer.outcome, answer.detail) == ("unreadable", "OverflowError: nobody foresaw this")


def test_what_the_best_url_refuses_its_fallbacks_give(tmp_path: Path) -> None:
    """A refused original, an HTML page named .jpg and a forbidden folder give way to what there is; noai does not."""
    routes: Routes = {
        "/robots.txt": b"User-agent: *\nDisallow: /full/\n",
        "/": page(
            img("/wp-content/uploads/look-300x300.jpg"),
            '<a href="/login.jpg"><img src="/t1.jpg"></a>',
            '<a href="/full/2.jpg"><img src="/t2.jpg"></a>',
            '<a href="/noai.jpg"><img src="/t3.jpg"></a>',
        ),
        "/wp-content/uploads/look.jpg": lambda x: x.send(status=403),
        "/login.jpg": page("please log in"),
        "/noai.jpg": lambda x: x.send(photo(4), "image/jpeg", X_Robots_Tag="noai"),
        **photos("/wp-content/uploads/look-300x300.jpg", "/t1.jpg", "/t2.jpg", "/t3.jpg", "/full/2.jpg"),
    }
    with serve(routes) as site:
        summary = crawl(tmp_path, site.url)

        assert site.hits["/t3.jpg"] == site.hits["/full/2.jpg"] == 0
    assert summary.outcomes == {"kept": 3, "noai": 1}
    assert taken(tmp_path) == {"/wp-content/uploads/look.jpg", "/login.jpg", "/t2.jpg"}


def test_a_placeholder_at_a_guessed_original_gives_way_to_the_page_s_own_url(tmp_path: Path) -> None:
    """The small picture that a site shows where a rule looks for the original is not the photo; a small one of the page's is."""
    routes: Routes = {
        "/": page(img("/wp-content/uploads/a-400x400.jpg"), '<img srcset="/b/1.jpg 900w, /c/1.jpg 400w">'),
        "/wp-content/uploads/a.jpg": photo(1, 80, 80), "/b/1.jpg": photo(2, 80, 80),
        **photos("/wp-content/uploads/a-400x400.jpg", "/c/1.jpg"),
    }  # fmt: skip
    with serve(routes) as site:
        assert crawl(tmp_path, site.url).outcomes == {"kept": 1, "too-small": 1}
        assert site.hits["/c/1.jpg"] == 0


def test_a_thumbnail_of_a_picture_that_cannot_be_decoded_is_taken(tmp_path: Path) -> None:
    """A link without an extension that leads to JPEG XL drops no JPEG."""
    routes: Routes = {
        "/": page('<a href="/full/1"><img src="/t.jpg"></a>'),
        "/full/1": lambda x: x.send(b"\xff\x0a", "image/jxl"), **photos("/t.jpg"),
    }  # fmt: skip
    with serve(routes) as site:
        assert crawl(tmp_path, site.url).outcomes == {"kept": 1}


def test_fallbacks_survive_a_restart(tmp_path: Path) -> None:
    """They are in the catalog: a crawl that goes on knows them."""
    with Catalog(tmp_path) as catalog:
        crawl_rows = catalog.open_crawl("http://a.example/")
        one = Listing(
            image_url="http://a.example/a.jpg", page_url="http://a.example/", fallbacks=("http://b.example/b.jpg",)
        )
        crawl_rows.queue_listing(one)

        assert crawl_rows.queued_listings()[0] == [one]


def test_the_site_is_asked_as_a_browser_asks() -> None:
    """The page is the Referer (to others its origin only), and cookies that the site sets come back."""
    seen: list[tuple[str, str]] = []

    def shop(x: Exchange) -> None:
        seen.append((x.headers.get("Referer", ""), x.headers.get("Cookie", "")))
        x.send(photo(1), "image/jpeg", Set_Cookie="session=7; Path=/")

    with serve({"/a.jpg": shop}) as site, Fetcher(config()) as fetcher:
        fetcher.get(site.url + "/a.jpg", "image", referer=site.url + "/looks?x=1")
        fetcher.get(site.url + "/a.jpg", "image", referer="http://other.example/secret/page")

    assert seen == [(site.url + "/looks?x=1", ""), ("http://other.example/", "session=7")]


def test_link_headers_and_json_endpoints_are_followed(tmp_path: Path) -> None:
    """The next part may be named by a Link header, and be JSON with pictures, HTML and the part after it."""
    routes: Routes = {
        "/": lambda x: x.send(page(img("/a.jpg")), Link='</more>; rel="next", </style.css>; rel=preload'),
        "/more": page(img("/b.jpg"), '<button class="load-more" data-url="/api/looks?page=2">more</button>'),
        "/api/looks": lambda x: x.send(
            b'{"looks":[{"image":"/c.jpg"}],"html":"<img src=\\"/d.jpg\\">","next":"/api/last"}', "application/json"
        ),
        "/api/last": lambda x: x.send(b'[{"image":"/e.jpg"}]', "application/json"),
        **photos("/a.jpg", "/b.jpg", "/c.jpg", "/d.jpg", "/e.jpg"),
    }
    with serve(routes) as site:
        crawl(tmp_path, site.url)

    assert taken(tmp_path) == {"/a.jpg", "/b.jpg", "/c.jpg", "/d.jpg", "/e.jpg"}


def test_a_robots_txt_that_fails_for_a_while_forbids_for_a_while(tmp_path: Path) -> None:
    """While it answers 503 nothing is asked for and nothing is decided; the next scrape takes everything."""
    down = [True]
    routes: Routes = {
        "/robots.txt": lambda x: x.send(b"User-agent: *\nDisallow: /no/", "text/plain", status=503 if down else 200),
        "/": page(img("/a.jpg", "/no/b.jpg")), **photos("/a.jpg", "/no/b.jpg"),
    }  # fmt: skip
    with serve(routes) as site:
        with pytest.raises(InputError, match="host-busy"):
            crawl(tmp_path, site.url, max_retry_wait=0)
        assert site.hits["/"] == 0
        down.clear()
        assert crawl(tmp_path, site.url).outcomes == {"kept": 1, "robots": 1}


def lying(x: Exchange) -> None:
    """Say that a whole photo is longer than it is."""
    body = photo(1)
    x.send_response(200)
    x.send_header("Content-Type", "image/jpeg")
    x.send_header("Content-Length", str(len(body) + 500))
    x.end_headers()
    x.wfile.write(body)
    x.close_connection = True


def test_a_whole_photo_is_kept_whatever_its_length_is_said_to_be() -> None:
    """A wrong Content-Length around a complete JPEG keeps the JPEG; half of one stays truncated."""

    def half(x: Exchange) -> None:
        x.send_response(200)
        x.send_header("Content-Length", str(len(photo(1))))
        x.end_headers()
        x.wfile.write(photo(1)[:2000])
        x.close_connection = True

    with serve({"/a.jpg": lying, "/b.jpg": half}) as site, Fetcher(config(retries=0)) as fetcher:
        answers = [fetcher.get(f"{site.url}/{name}.jpg", "image") for name in "ab"]

    assert [(one.outcome, one.body) for one in answers] == [("ok", photo(1)), ("truncated", b"")]


@pytest.mark.parametrize("keep_alive", [True, False])
def test_a_length_that_is_too_small_does_not_cut_a_photo(keep_alive: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    """What comes beyond Content-Length is read until the photo is whole, and is not taken for the next answer."""

    def shy(x: Exchange) -> None:
        x.send_response(200)
        x.send_header("Content-Type", "image/jpeg")
        x.send_header("Content-Length", str(len(photo(1)) - 3000))
        x.end_headers()
        x.wfile.write(photo(1))
        x.close_connection = not keep_alive

    with serve({"/a.jpg": shy, "/b.jpg": photo(2)}) as site, Fetcher(config(retries=0)) as fetcher:
        answers = [fetcher.get(f"{site.url}/{name}.jpg", "image") for name in "abb"]

    assert [(one.outcome, one.body) for one in answers] == [("ok", photo(seed)) for seed in (1, 2, 2)]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_which_bytes_are_a_whole_picture(kind: str) -> None:
    """The end of each format is known; anything cut off is not whole."""
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, kind)

    assert whole(out.getvalue())
    assert not cut(out.getvalue())
    assert not whole(out.getvalue()[:-4])
    assert cut(out.getvalue()[:-4])
    assert not whole(b"<html>")
    assert not cut(b"<html>")


def test_a_thumbnail_inside_a_photo_is_not_its_end() -> None:
    """A JPEG's own end counts, not that of the thumbnail among its segments; what follows its end does not matter."""
    small, large = photo(1), photo(2)
    body = large[:2] + b"\xff\xff\xe1" + (len(small) + 2).to_bytes(2, "big") + small + large[2:]

    assert whole(body + b"trailer")
    assert cut(body[: len(small) + 900])
    assert cut(body[: len(small) + 10])


def test_a_body_that_is_too_large_is_not_kept_in_memory() -> None:
    """What was read of it is dropped; of a robots.txt the first part counts."""

    def endless(x: Exchange) -> None:
        x.send_response(200)
        x.end_headers()
        while not x.site.closing.is_set():
            x.wfile.write(b"#" * 65_536)

    with serve({"/a.jpg": endless, "/robots.txt": endless}) as site, Fetcher(config()) as fetcher:
        answer = fetcher.get(site.url + "/a.jpg", "image")
        robots = fetcher.log[0]

    assert (answer.outcome, answer.body) == ("too-large", b"")
    assert (robots.outcome, len(robots.body)) == ("ok", 512_000)


def test_a_large_jpeg_is_hashed_without_decoding_it_in_full() -> None:
    """62 megapixels take a fraction of their 186 MB, and the hash is that of the whole picture."""
    script = """
import io, sys
from PIL import Image
from deepstyle.config import ScrapeConfig
from deepstyle.scraper.check import check
data = open(sys.argv[1], "rb").read()
peak = lambda: int(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))
before = peak()
print(check(data, ScrapeConfig(), ()).outcome, (peak() - before) // 1024)
"""
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        Image.new("L", (7_900, 7_850), 90).save(file.name, quality=30)
        done = subprocess.run([sys.executable, "-c", script, file.name], capture_output=True, text=True, check=True)
    outcome, megabytes = done.stdout.split()

    assert outcome == "ok"
    assert int(megabytes) < 120


def test_the_hash_of_a_draft_is_near_that_of_the_photo() -> None:
    """Decoding at an eighth moves few of the 64 bits: as near duplicates they stay the same photo."""
    for seed in range(5):
        data = photo(seed, 1_600, 2_000)
        found = check(data, config(), ()).looks
        assert found is not None
        assert (int(found.dhash, 16) ^ int(looks(Image.fromarray(decode(data))).dhash, 16)).bit_count() <= 2


def test_a_dry_run_reads_tdmrep_json(tmp_path: Path) -> None:
    """What it reserves is not announced as a photo that would be fetched."""
    tdm = b'[{"location": "/x/", "tdm-reservation": 1}]'
    with (
        serve({"/.well-known/tdmrep.json": lambda x: x.send(tdm, "application/json")}) as site,
        Fetcher(config()) as one,
    ):
        found = [look(one, Listing(image_url=site.url + path, page_url=site.url)) for path in ("/x/a.jpg", "/b.jpg")]

    assert [taken.outcome for taken in found] == ["noai", "wanted"]
