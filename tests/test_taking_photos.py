"""What scrapes and adds of one workspace that were killed left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from loopback import page, photo, serve
from test_scrape import crawl, img

from deepstyle.catalog import Catalog
from deepstyle.config import ScrapeConfig
from deepstyle.files import TEMPORARY, put_file
from deepstyle.progress import Reporter
from deepstyle.scraper.scrape import scrape_urls
from deepstyle.scraper.together import taking_photos

HOLD = """
import sys, time
from pathlib import Path
from deepstyle.scraper.together import taking_photos
with taking_photos(Path(sys.argv[1])):
    place = Path(sys.argv[1]) / "photos/ab/.tmp-0.jpg"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"half")
    print("written", flush=True)
    time.sleep(600)
"""


def test_who_is_alone_clears_what_a_kill_left(tmp_path: Path) -> None:
    """A half-written photo stays while its process lives, also for others that begin; once it is killed the next clears it."""
    rest = tmp_path / "photos/ab/.tmp-0.jpg"
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "written\n"
        with taking_photos(tmp_path):
            assert rest.exists()
        other.kill()
        other.wait()
        with taking_photos(tmp_path):
            assert not rest.exists()
    finally:
        other.kill()
        other.communicate()


def test_a_scrape_clears_it_at_once(tmp_path: Path) -> None:
    """The next scrape of the workspace leaves no half-written photo, however young; photos stay."""
    with serve({"/": page(img("/a.jpg")), "/a.jpg": photo(1)}) as site:
        crawl(tmp_path, site.url)
        put_file(tmp_path / f"photos/ab/{TEMPORARY}1.jpg", b"half")
        with Catalog(tmp_path) as catalog:
            scrape_urls(
                [site.url], catalog, ScrapeConfig(allow_private=True), reporter=Reporter(quiet=True), fresh=True
            )
            (kept,) = catalog.standing_photos()

    assert not list(tmp_path.glob(f"photos/*/{TEMPORARY}*"))
    assert (tmp_path / kept.path).is_file()
