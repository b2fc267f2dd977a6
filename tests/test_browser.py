"""`scrape --render`: pages that build their gallery in scripts, through the same guard, robots.txt and pace."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import chromium
from loopback import Exchange, Routes, page, serve
from test_scrape import img, photos, taken

from deepstyle.catalog import Catalog
from deepstyle.config import ScrapeConfig
from deepstyle.errors import UsageError
from deepstyle.progress import Reporter
from deepstyle.scraper import browser as module
from deepstyle.scraper.answer import Fetched
from deepstyle.scraper.scrape import scrape_urls
from deepstyle.scraper.take import visit

SCRIPT = b"""
fetch('/looks.json').then(a => a.json()).then(names => names.forEach(name => {
  const image = document.createElement('img'); image.src = name; document.body.append(image);
  const gap = document.createElement('div'); gap.style.height = '3000px'; document.body.append(gap);
}));
let more = false;
addEventListener('scroll', () => { if (!more) { more = true;
  const image = document.createElement('img'); image.src = '/late.jpg'; document.body.append(image); } });
fetch('/private/looks.json').then(a => a.json()).catch(() => 0);
fetch('http://169.254.169.254/latest').catch(() => 0);
fetch('/form', {method: 'POST', body: 'x'}).catch(() => 0);
"""


def test_a_gallery_that_scripts_build_is_found(tmp_path: Path) -> None:
    """The DOM is read after scripts and scrolling; what robots.txt forbids is not asked, nothing is posted or fetched twice."""
    chromium()
    routes: Routes = {
        "/robots.txt": b"User-agent: *\nDisallow: /private/\n", "/": page('<script src="/app.js"></script>'),
        "/app.js": lambda x: x.send(SCRIPT, "application/javascript"),
        "/looks.json": lambda x: x.send(b'["/a.jpg", "/b.jpg"]', "application/json"),
        "/private/looks.json": lambda x: x.send(b"[]", "application/json"),
        **photos("/a.jpg", "/b.jpg", "/late.jpg"),
    }  # fmt: skip
    with serve(routes) as site, Catalog(tmp_path) as catalog:
        config = ScrapeConfig(rate=500, allow_private=True, render=True, deadline=300, read_timeout=300, retries=0)
        scrape_urls([site.url], catalog, config, reporter=Reporter(quiet=True))

        assert taken(tmp_path) == {"/a.jpg", "/b.jpg", "/late.jpg"}
        assert {site.hits[path] for path in ("/a.jpg", "/b.jpg", "/late.jpg", "/app.js")} == {1}
        assert site.hits["/private/looks.json"] == site.hits["/form"] == 0


def test_a_page_that_cannot_be_rendered_is_read_as_it_came() -> None:
    """Why stands with the answer."""
    from deepstyle.scraper.fetch import Fetcher

    def broken(_: Fetched) -> str:
        raise RuntimeError("it crashed")

    def html(x: Exchange) -> None:
        x.send(page(img("/a.jpg")))

    with serve({"/": html}) as site, Fetcher(ScrapeConfig(rate=500, allow_private=True)) as fetcher:
        found = visit(fetcher, site.url + "/", render=broken)

    assert found.answer.detail == "not rendered: RuntimeError: it crashed"
    assert found.page is not None
    assert len(found.page.listings) == 1


def test_without_a_browser_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--render` on a machine without Chromium names what to install."""
    pytest.importorskip("playwright")
    monkeypatch.setattr(module, "NAMES", ())
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "none"))
    with Catalog(tmp_path / "w") as catalog, pytest.raises(UsageError, match="apt-get install chromium"):
        scrape_urls(["http://a.example/"], catalog, ScrapeConfig(render=True), reporter=Reporter(quiet=True))
