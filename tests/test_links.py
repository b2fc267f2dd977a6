"""links.py: where a page goes on, in the habits of galleries; what is no link is not followed."""

from __future__ import annotations

from pathlib import Path

import pytest
from loopback import Exchange, Routes, page, photo, serve
from test_scrape import crawl, hash_of, img

from deepstyle.catalog import Catalog
from deepstyle.config import ScrapeConfig
from deepstyle.scraper.frontier import CHAIN, Frontier
from deepstyle.scraper.links import link_header
from deepstyle.scraper.pages import parse_html

URL = "http://a.example/shows/fall"
SITE = "http://a.example"

# name, markup, links as found, of them those that are the next part
CASES: list[tuple[str, str, list[str], list[str]]] = [
    ("data-next", '<div class="grid" data-next="/shows/fall?page=2"></div>', ["/shows/fall?page=2"], ["/shows/fall?page=2"]),
    ("data-next of a number", '<div data-next="2"></div>', [], []),
    ("button with a URL", '<button data-url="/shows/fall?page=2" class="load-more">More</button>',
     ["/shows/fall?page=2"], ["/shows/fall?page=2"]),
    ("button with onclick", """<button onclick="location.href='/shows/spring'">Spring</button>""", ["/shows/spring"], []),
    ("formaction", '<button formaction="/shows/spring">Spring</button>', ["/shows/spring"], []),
    ("htmx", '<div hx-get="/shows/fall?page=2" hx-trigger="revealed"></div>', ["/shows/fall?page=2"], ["/shows/fall?page=2"]),
    ("select of URLs",
     ('<select><option>Season</option><option value="/shows/2018">2018</option><option value="/shows/2019">2019'
     "</option></select>"), ["/shows/2018", "/shows/2019"], []),
    ("select that leads where its options say",
     ('<form><select name="s" onchange="location.href=this.value"><option value="">Season</option>'
     '<option value="x.php?s=f17">F</option><option value="spring/17">S</option></select></form>'),
     ["/shows/x.php?s=f17", "/shows/spring/17"], []),
    ("GET form with a select",
     ('<form method="get" action="/looks"><input type="hidden" name="h" value="dior"><select name="season">'
     '<option value="f17">F</option></select></form>'), ["/looks?h=dior&season=f17", "/looks?h=dior"], []),
    ("GET form of the next page", '<form action="/looks"><input type="hidden" name="page" value="2"><button>More</button></form>',
     ["/looks?page=2"], ["/looks?page=2"]),
    ("search form", '<form action="/search"><input name="q"><input type="hidden" name="a" value="b"></form>', [], []),
    ("POST form", '<form method="post" action="/buy"><input type="hidden" name="a" value="b"></form>', [], []),
    ("meta refresh", '<meta http-equiv="refresh" content="0; url=/gallery">', ["/gallery"], []),
    ("iframe", '<iframe src="/embed/gallery"></iframe>', ["/embed/gallery"], []),
    ("frame", '<frameset><frame src="/main.html"></frameset>', ["/main.html"], []),
    ("image of a link", '<a href="2.html"><img src="/btn.gif" alt="next page"></a>', ["/shows/2.html"], ["/shows/2.html"]),
    ("slide of a link", '<a href="/fall/slide/2">Next slide</a>', ["/fall/slide/2"], ["/fall/slide/2"]),
    ("text of a link", '<a href="/shows/fall/2">Next</a>', ["/shows/fall/2"], ["/shows/fall/2"]),
    ("an arrow", '<a href="/shows/fall/2">\u00bb</a>', ["/shows/fall/2"], ["/shows/fall/2"]),
    ("next of a script", "<script>var state = {looks: [], nextPage: '/api/looks?page=2'}</script>",
     ["/api/looks?page=2"], ["/api/looks?page=2"]),
    ("endpoint", '<div data-endpoint="/api/looks.json"></div>', ["/api/looks.json"], []),
    ("a relative frame", '<iframe src="gallery.html"></iframe><iframe src="about:blank"></iframe>', ["/shows/gallery.html"], []),
    ("relative options", '<select><option value="page2.html">2</option><option value="red">r</option></select>',
     ["/shows/page2.html"], []),
    ("a relative onclick", """<button onclick="location.href='page2.html'">2</button>""", ["/shows/page2.html"], []),
    ("a relative data-href", '<button data-href="page2.html">2</button><p data-url="looks?page=3">', [
     "/shows/page2.html", "/shows/looks?page=3"], []),
    ("refresh without url=", '<meta http-equiv="refresh" content="0;gallery.html">', ["/shows/gallery.html"], []),
    ("refresh of itself", '<meta http-equiv="refresh" content="30"><meta http-equiv="refresh" content="30;">', [], []),
    ("a form without an address", '<form><input type="hidden" name="page" value="2"><input type=submit></form>',
     ["/shows/fall?page=2"], ["/shows/fall?page=2"]),
    ("a form of no interest", '<form><input type="hidden" name="t" value="x"><button>ok</button></form>', [], []),
    ("a form with a select and no address", ('<form><select name="s"><option>Choose</option><option>fall-2017<option>fall-2018'
     "</select></form>"), ["/shows/fall?s=fall-2017", "/shows/fall?s=fall-2018"], []),
    ("buttons of pages", ('<form action="/looks"><button name="page" value="2">2</button><button name="do" value="buy">b</button>'
     '<input type="submit" name="page" value="3"><input type="hidden" name="h" value="dior"></form>'),
     ["/looks?h=dior", "/looks?h=dior&page=2", "/looks?h=dior&page=3"], ["/looks?h=dior&page=2", "/looks?h=dior&page=3"]),
    ("next of HAL", '<script>s = {"_links": {"next": {"href": "/api?page=2"}}}; img</script>',
     ["/api?page=2"], ["/api?page=2"]),
    ("the next article", '<script>s = {"next": {"url": "/news/other"}}; img</script>', [], []),
    ("a relative next", '<script>s = {"next": "api?page=2", "images": []}</script>',
     ["/shows/api?page=2"], ["/shows/api?page=2"]),
    ("what scripts ask for", """<script>fetch("/api/looks.json?page=2"); fetch("/count"); $.getJSON('/api/looks')</script>""",
     ["/api/looks.json?page=2", "/api/looks"], ["/api/looks.json?page=2", "/api/looks"]),
    ("JSON that scripts ask for", ("""<script>fetch('/data/fall.json').then(show); axios.get("/api/looks?season=fall", a);"""
     """x.open("GET", "/xhr.json"); fetch("/api/photos", {credentials: "omit"}); $.get("/session"); x.open("POST", "/b.json");"""
     """fetch("/like.json", {method: "POST"}); fetch("/api/save")</script>"""),
     ["/data/fall.json", "/api/looks?season=fall", "/xhr.json", "/api/photos"],
     ["/data/fall.json", "/api/looks?season=fall", "/xhr.json", "/api/photos"]),
    ("JSON that elements name", ('<link rel="preload" as="fetch" href="/a.json"><p data-src="/b.json?v=1" data-x="c.json"></p>'
     '<p data-note="see /d.json">'), ["/a.json", "/b.json?v=1"], []),
    ("an endpoint of a script", '<script>const endpoint = "/api/looks"; const url = "/x"</script>',
     ["/api/looks"], ["/api/looks"]),
    ("a script that leads on", ("""<script>if (!seen) { location.replace("\\/gallery"); } else location.href = 'fall2.html'"""
     """</script><script>location.href = "/login?back=" + x; if (location == '/y') location.assign('#top')</script>"""),
     ["/gallery", "/shows/fall2.html"], []),
    ("what ends a session or fills a cart", "".join(f'<a href="{one}">x</a>' for one in (
        "/account/logout", "/wp-login.php?action=logout&_wpnonce=1", "/Account/LogOff", "/account/logoutSuccess",
        "/sign_out", "/users/sign-out?a=1", "/shop/?add-to-cart=12", "/cart/?remove_item=a", "/checkout/cart/add/product/7/",
        "/cart/add?id=1", "/looks/blackout", "/log-off-shoulder", "/cart", "/looks/add", "/blog/sign-outfits")),
     ["/account/logoutSuccess", "/looks/blackout", "/log-off-shoulder", "/cart", "/looks/add", "/blog/sign-outfits"], []),
    ("no links", '<a href="javascript:x()">x</a><a href="#top">t</a><button data-url="/a.jpg">i</button>', [URL[16:]], []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("markup", "links", "following"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_where_a_page_goes_on(markup: str, links: list[str], following: list[str]) -> None:
    """Each habit gives the URLs that a person would get to, and tells the next part from the rest."""
    found = parse_html(f"<html><body>{markup}</body></html>".encode(), URL)

    assert [one.removeprefix(SITE) for one in found.links] == links
    assert [one.removeprefix(SITE) for one in found.next_links] == following


def test_link_headers() -> None:
    """rel=next among several links, with quotes and other parameters; other relations are none."""
    value = (
        '<https://a.example/1>; rel="prev", </2,x>; title="a, b"; rel="x next"; a=b, <3>; rel=next, <4>; rel="nextish"'
    )
    assert link_header(value, URL) == ["http://a.example/2,x", "http://a.example/shows/3"]
    assert link_header("</2>; rel='next', </3>; rel='nextish'", URL) == ["http://a.example/2"]
    assert link_header("<" * 10_000, URL) == []


def test_a_next_page_that_no_link_names_is_guessed() -> None:
    """Only where the page looks as if there were more, and no link says where."""
    more = b'<div class="load-more"></div><img src="/a.jpg">'
    assert parse_html(more, URL).guesses == (URL + "?page=2",)
    assert parse_html(more, URL + "?page=7&x=1").guesses == (URL + "?page=8&x=1",)
    assert parse_html(more, URL + "/page/3/").guesses == (URL + "/page/4/",)
    assert parse_html(more + b'<a rel="next" href="?p=2">n</a>', URL).guesses == ()
    assert parse_html(b'<img src="/a.jpg">', URL).guesses == ()
    assert parse_html(b'<img src="/a.jpg">', URL + "?page=1").guesses == (URL + "?page=2",)
    assert parse_html(b'<img src="/a.jpg">', URL + "?p=1").guesses == ()
    assert parse_html(b'<img src="/a.jpg"><a href="?page=1">1</a>', URL + "?page=2").guesses == ()


def test_guesses_end_when_nothing_new_comes(tmp_path: Path) -> None:
    """Pages that only their number names are taken to the last, and one more is looked at."""

    def looks(x: Exchange) -> None:
        number = int(x.path.partition("=")[2] or 1)
        x.send(page(img(*([f"/p{number}.jpg"] if number <= 4 else ["/p4.jpg"])), '<p class="infinite-scroll"></p>'))

    routes: Routes = {"/": looks, **{f"/p{n}.jpg": photo(hash_of(str(n))) for n in range(1, 5)}}
    with serve(routes) as site:
        assert crawl(tmp_path, site.url).kept == 4
        assert site.hits["/?page=5"] == 1
        assert site.hits["/?page=6"] == 0


def test_guesses_end_where_the_photos_that_pages_name_do_not_exist(tmp_path: Path) -> None:
    """A server that names new photos for ever is left after some pages in vain; a gap, however it comes about, is passed."""

    def looks(x: Exchange) -> None:
        number = int(x.path.partition("=")[2] or 1)
        x.send(page(img(f"/p{number}.jpg"), '<p class="infinite-scroll"></p>') if number < 200 else page())

    routes: Routes = {"/": looks, **{f"/p{n}.jpg": photo(hash_of(str(n))) for n in (1, 2, 22)}}
    with serve(routes) as site:
        assert crawl(tmp_path, site.url).kept == 3
        assert site.hits["/?page=199"] == 0
        assert site.hits["/?page=24"] == 1


def test_a_photo_that_fails_in_passing_is_not_in_vain(tmp_path: Path) -> None:
    """Only photos that do not exist count, by page; one that is kept lets the series go on."""
    with Catalog(tmp_path) as catalog:
        found = Frontier(catalog.open_crawl(URL), ScrapeConfig(), [URL])
        for number in range(CHAIN):
            for outcome in ("http-503", "http-429", "timeout", "given-up"):
                found.photo(f"{URL}?page={number}", outcome)
        assert not found.vain(URL + "?page=2")
        for number in range(CHAIN):
            assert not found.vain(URL + "?page=2")
            found.photo(f"{URL}?page={number}", "http-404")
        assert found.vain(URL + "?page=2")
        found.photo(URL + "?page=9", "kept")
        assert not found.vain(URL + "?page=2")
