"""What commands print at their end: numbers that add up, and no more than was done."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner
from loopback import Routes, page, serve
from test_scrape import img, photos

from deepstyle.catalog import Catalog
from deepstyle.cli import main


def rows_of(output: str) -> dict[str, str]:
    """The rows of a printed table."""
    return dict(
        re.split(r" {2,}", line.strip(), maxsplit=1) for line in output.splitlines() if re.match(r"  \S.*?  +\S", line)
    )


def test_outcomes_of_a_scrape_add_up_to_what_was_found(tmp_path: Path) -> None:
    """Thumbnails of found pictures have a row of their own, so that found is the sum of the outcomes."""
    routes = {
        "/": page('<a href="/look"><img src="/t.jpg" width="150"></a>', img("/a.jpg")),
        "/look": page(img("/big.jpg")),
        **photos("/t.jpg", "/big.jpg", "/a.jpg"),
    }
    with serve(routes) as site:
        words = ["-q", "-w", str(tmp_path), "scrape", site.url, "--allow-private", "--rate", "500"]
        told = rows_of(CliRunner().invoke(main, words).stdout)

    assert told["found"] == "2"
    assert sum(int(one.split()[-1]) for one in told["outcomes"].split(", ")) == 2
    assert told["thumbnails of these"] == "1, passed over"


def test_pages_that_gave_nothing_are_told(tmp_path: Path) -> None:
    """What a site refused of its pages, or could not give, stands in a row; links to no page are not missing."""
    routes: Routes = {
        "/robots.txt": b"User-agent: *\nDisallow: /private\n",
        "/": page(img("/a.jpg"), *(f'<a href="/{name}">x</a>' for name in ("members", "private", "list", "b"))),
        "/members": lambda x: x.send(status=403),
        "/list": lambda x: x.send(b"%PDF-", "application/pdf"),
        "/b": page(img("/b.jpg")),
        **photos("/a.jpg", "/b.jpg"),
    }
    with serve(routes) as site:
        words = ["-q", "-w", str(tmp_path), "scrape", site.url, "--allow-private", "--rate", "500"]
        told = rows_of(CliRunner().invoke(main, words).stdout)

    assert (told["pages"], told["kept"], told["failed"]) == ("2", "2", "0")
    assert set(told["pages not used"].split(", ")) == {"http-403 1", "robots 1"}


def test_forgetting_what_is_not_there_says_so(tmp_path: Path) -> None:
    """A host of which the workspace has no photo is refused from now on, and nothing is called forgotten."""
    with Catalog(tmp_path):
        pass
    told = CliRunner().invoke(main, ["-w", str(tmp_path), "forget", "nothing.example"]).stdout

    assert told.startswith("no photo here is from there; none is ever taken")
    assert "forgotten" not in told
    with Catalog(tmp_path) as catalog:
        assert "nothing.example" in str(catalog.rights.forgotten())
