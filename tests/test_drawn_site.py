"""The drawn website, over real HTTP on loopback."""

from __future__ import annotations

import hashlib
import io
import re
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import numpy as np
import pytest
import requests
from PIL import Image

from deepstyle.demo.site import PER_PAGE, THUMB_WIDTH, DrawnSite, SiteTruth

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOKS = 120


@pytest.fixture(scope="module")
def site() -> Iterator[DrawnSite]:
    """One site of 120 looks for the whole file."""
    with DrawnSite(1, LOOKS) as running:
        yield running


@pytest.fixture
def web() -> Iterator[requests.Session]:
    """Open a session that is closed after the test."""
    with requests.Session() as session:
        yield session


def pages_of(site: DrawnSite, web: requests.Session) -> dict[str, str]:
    """Every page reachable from the home page through links, by URL."""
    found, queue = {}, [site.url]
    while queue:
        url = queue.pop()
        if url in found:
            continue
        reply = web.get(url)
        assert reply.status_code == 200, url
        found[url] = reply.text
        links = re.findall(r'href="([^"]+)"', reply.text)
        queue += [urljoin(url, link) for link in links if not link.endswith(".jpg")]
    return found


def originals_in(text: str) -> set[str]:
    """Paths of full-size images named anywhere in a page."""
    return set(re.findall(r"/(?:media/(?:full|again)|private)/\d{5}\.jpg", text))


def test_every_original_is_reachable(site: DrawnSite, web: requests.Session) -> None:
    """Following links and pagination from the home page names every original, and both addresses of the doubled."""
    pages = pages_of(site, web)
    named = set().union(*(originals_in(text) for text in pages.values()))

    assert {site.path(i) for i in range(LOOKS)} <= named
    assert len(named) == LOOKS + sum(path.startswith("/media/again/") for path in named)
    assert any("page=2" in url for url in pages)


def test_truth_matches_what_is_served(site: DrawnSite, web: requests.Session) -> None:
    """Fetching all but the forbidden, and dropping noai, yields exactly the wanted hashes and count of duplicates."""
    truth = site.truth()
    named = set().union(*(originals_in(text) for text in pages_of(site, web).values())) - truth.forbidden
    replies = {path: web.get(urljoin(site.url, path)) for path in named}
    kept = [reply for reply in replies.values() if "noai" not in reply.headers.get("X-Robots-Tag", "")]
    hashes = [hashlib.sha256(reply.content).hexdigest() for reply in kept]

    assert set(hashes) == truth.wanted
    assert len(hashes) - len(set(hashes)) == truth.duplicates > 0


def test_robots_lists_private(site: DrawnSite, web: requests.Session) -> None:
    """robots.txt disallows /private/, and every forbidden path lies there."""
    truth = site.truth()

    assert "Disallow: /private/" in web.get(urljoin(site.url, "/robots.txt")).text
    assert truth.forbidden
    assert all(path.startswith("/private/") for path in truth.forbidden)


def test_noai_header(site: DrawnSite, web: requests.Session) -> None:
    """Paths listed as noai carry the header, others do not."""
    noai = site.truth().noai

    assert noai
    assert all("noai" in web.get(urljoin(site.url, path)).headers["X-Robots-Tag"] for path in noai)
    assert "X-Robots-Tag" not in web.get(urljoin(site.url, site.path(0))).headers


@pytest.mark.parametrize(
    ("house", "sign"),
    [
        ("maison-plain", '<img src="/media/full/'),
        ("maison-srcset", "400w"),
        ("maison-lazy", 'data-src="/media/full/'),
        ("maison-link", '<a href="/media/full/'),
        ("maison-gallery", '"contentUrl": "/media/full/'),
        ("maison-detail", '<a href="/looks/'),
    ],
)
def test_markups(site: DrawnSite, web: requests.Session, house: str, sign: str) -> None:
    """Each house publishes in its own markup, a dozen looks a page, with rel=next while there are more."""
    url = urljoin(site.url, f"/shows/{house}/spring-2026/")
    first, second, third = (web.get(url, params={"page": page}) for page in (1, 2, 3))

    assert sign in first.text
    assert 'rel="next"' in first.text
    assert 'rel="next"' not in second.text
    assert third.status_code == 404
    assert len({path for path in originals_in(first.text) if "again" not in path}) <= PER_PAGE


def test_detail_page_names_its_original(site: DrawnSite, web: requests.Session) -> None:
    """A look's own page gives the original in og:image."""
    text = web.get(urljoin(site.url, "/looks/5")).text

    assert f'<meta property="og:image" content="{site.path(5)}">' in text


def test_images_decode(site: DrawnSite, web: requests.Session) -> None:
    """An original is the drawn look within JPEG error; its thumbnail is 160 wide; logo and pixel are small."""
    full, thumb, logo, pixel = (
        Image.open(io.BytesIO(web.get(urljoin(site.url, path)).content))
        for path in (site.path(0), "/media/w160/00000.jpg", "/static/logo.png", "/static/pixel.gif")
    )
    error = np.abs(np.asarray(full, np.int16) - site.look(0).pixels).mean()

    assert error < 4
    assert thumb.width == THUMB_WIDTH
    assert (logo.size, pixel.size) == ((40, 40), (1, 1))


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/looks/99999", "/looks/x", "/looks/0-again", "/media/full/99999.jpg", "/media/full/00024.jpg",
     "/media/again/00000.jpg", "/private/00000.jpg", "/shows/maison-plain/spring-2026/?page=0",
     "/shows/maison-plain/spring-2026/?page=x", "/shows/maison-none/spring-2026/"],
)  # fmt: skip
def test_unknown_paths_are_404(site: DrawnSite, web: requests.Session, path: str) -> None:
    """What is not on the site is a plain 404."""
    assert web.get(urljoin(site.url, path)).status_code == 404


def test_head_has_the_length_and_no_body(site: DrawnSite, web: requests.Session) -> None:
    """HEAD gives GET's headers without its body."""
    url = urljoin(site.url, site.path(0))
    head, get = web.head(url), web.get(url)

    assert head.content == b""
    assert int(head.headers["Content-Length"]) == len(get.content) == int(get.headers["Content-Length"])


def test_hits_are_counted_across_threads() -> None:
    """Requests are counted by path, without the query, and none is lost between threads."""
    with DrawnSite(0, 1) as site:
        urls = [urljoin(site.url, f"/robots.txt?{k}") for k in range(40)]
        threads = [threading.Thread(target=lambda part=urls[k::4]: [requests.get(u) for u in part]) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert site.hits == {"/robots.txt": 40}


def test_a_client_that_hangs_up_is_tolerated(web: requests.Session, capfd: pytest.CaptureFixture[str]) -> None:
    """A connection dropped in the middle of an image neither stops the site nor prints anything."""
    with DrawnSite(0, 2) as site:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", urlsplit(site.url).port or 0)) as raw:
                raw.sendall(b"GET /media/full/00000.jpg HTTP/1.1\r\nHost: x\r\n\r\n")
        after = web.get(site.url).status_code

    assert after == 200
    assert capfd.readouterr().err == ""


def test_leaving_closes_the_socket() -> None:
    """After the with block nothing listens at the address."""
    with DrawnSite(0, 1) as site:
        port = urlsplit(site.url).port or 0

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=60)


def test_latency(web: requests.Session) -> None:
    """Every response waits as long as asked."""
    with DrawnSite(0, 1, latency_s=0.2) as site:
        reply = web.get(site.url)

    assert reply.elapsed.total_seconds() >= 0.2


def test_same_seed_same_site(site: DrawnSite) -> None:
    """The same seed publishes the same originals, another seed none of them."""
    with DrawnSite(1, 3) as same, DrawnSite(2, 3) as other:
        truths: list[SiteTruth] = [same.truth(), other.truth()]

    assert truths[0].wanted < site.truth().wanted
    assert not truths[1].wanted & site.truth().wanted
