"""pages.py: bytes in, listings out; a table of markups, then bytes that nobody should send."""

from __future__ import annotations

import gzip
import json
from urllib.parse import urljoin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepstyle.scraper.pages import Page, normalise, parse, parse_feed, parse_html, parse_sitemap
from deepstyle.scraper.urls import page_key, resolve, runaway, shape

URL = "http://a.example/shows/fall/"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
STATE = {"pins": {str(n): {"images": {"236x": {"url": f"/t/{n}.jpg", "width": 236},
                                     "orig": {"url": f"/f/{n}.jpg", "width": 900}}} for n in (12, 13)}}  # fmt: skip
LD = {"@graph": [{"@type": "ImageObject", "contentUrl": "/f/1.jpg", "thumbnailUrl": "/t/1.jpg"},
                 {"@type": "Product", "image": ["/f/2", {"@type": "ImageObject", "url": "/f/3.jpg"}],
                  "brand": {"logo": "/logo.jpg"}}, {"@type": "VideoObject", "thumbnailUrl": "/v.jpg"}]}  # fmt: skip

CASES: list[tuple[str, str, list[str]]] = [
    ("img", '<img src="a.jpg">', ["/shows/fall/a.jpg"]),
    ("img without quotes or end", "<p><img src=/a.jpg alt=x", ["/a.jpg"]),
    ("srcset w", '<img src="/t.jpg" srcset="/t.jpg 200w, /m.jpg 320w,/f.jpg 550w">', ["/f.jpg"]),
    ("srcset x", '<img src="/t.jpg" srcset="/t.jpg, /f.jpg 2x">', ["/f.jpg"]),
    ("srcset with commas in URLs", '<img srcset="/w_200,h_1/a.jpg 200w, /w_900,h_2/a.jpg 900w">', ["/w_900,h_2/a.jpg"]),
    ("an unclosed title, a marked section that is none", '<title><![foo[ x<img src="/a.jpg">', ["/a.jpg"]),
    ("picture", '<picture><source srcset="/f.webp 2x, /m.webp 1x"><img src="/t.jpg"></picture>', ["/f.webp"]),
    ("lazy data-src", f'<img src="{PIXEL}" data-src="/f.jpg">', ["/f.jpg"]),
    ("lazy over a placeholder file", '<img src="/grey.gif" data-original="/f.jpg">', ["/f.jpg"]),
    ("lazy data-srcset", f'<img src="{PIXEL}" data-srcset="/t.jpg 100w, /f.jpg 900w">', ["/f.jpg"]),
    ("lazy data-lazy-src", f'<img src="{PIXEL}" data-lazy-src="/f.jpg">', ["/f.jpg"]),
    ("zoom attribute", '<img src="/m.jpg" data-zoom-image="/f.jpg">', ["/f.jpg"]),
    ("lazy with noscript fallback", '<img class="lazy" data-src="/f.jpg"><noscript><img src="/m.jpg"></noscript>', ["/f.jpg"]),
    ("noscript only", '<noscript><img src="/f.jpg"></noscript>', ["/f.jpg"]),
    ("link to the original", '<a href="/f.jpg"><img src="/t.jpg"></a>', ["/f.jpg"]),
    ("link to the original without a thumbnail", '<a href="/f.JPG?x=1">photo</a>', ["/f.JPG?x=1"]),
    ("JSON-LD", f'<script type="application/ld+json">{json.dumps(LD)}</script>', ["/f/1.jpg", "/f/2", "/f/3.jpg"]),
    ("JSON state", f'<script type="application/json">{json.dumps(STATE)}</script>', ["/f/12.jpg", "/f/13.jpg"]),
    ("JSON state with escaped slashes",
     '<script>window.__STATE__ = {"a":{"thumb":"\\/t.jpg","url":"\\/f.jpg"}};</script>', ["/f.jpg"]),
    ("JSON candidates",
     '<script>var s={"candidates":[{"url":"/t.jpg","width":200},{"url":"/f.jpg","width":900}]}</script>', ["/f.jpg"]),
    ("JSON gallery",
     '<script>var s={"photos":["/f/1.jpg","/f/2.jpg"],"avatar":"/me.jpg"}</script>', ["/f/1.jpg", "/f/2.jpg"]),
    ("JSON.parse", '<script>x = JSON.parse("{\\"src\\":\\"/f.jpg\\"}")</script>', ["/f.jpg"]),
    ("CSS inline", '<div style="background-image: url(&quot;/f.jpg&quot;)"></div>', ["/f.jpg"]),
    ("CSS short form", "<div style='background:#fff url(/f.jpg) no-repeat'></div>", ["/f.jpg"]),
    ("CSS style element", "<style>.a{background:url('/f.jpg')} @font-face{src:url(/x.woff)}</style><p>", ["/f.jpg"]),
    ("CSS image-set", "<div style='background:image-set(url(/t.jpg) 1x, url(/f.jpg) 2x)'></div>", ["/f.jpg"]),
    ("lazy background", '<div data-bg="/f.jpg"></div>', ["/f.jpg"]),
    ("og:image", '<meta property="og:image" content="/f.jpg">', ["/f.jpg"]),
    ("twitter:image", '<meta name="twitter:image" content="/f.jpg">', ["/f.jpg"]),
    ("base href", '<base href="/media/"><img src="full/f.jpg">', ["/media/full/f.jpg"]),
    ("one picture in two sizes", '<img src="/x-300x200.jpg"><meta property="og:image" content="/x.jpg">', ["/x.jpg"]),
    ("one picture resized by its query", '<img src="/x.jpg?w=300"><img src="/x.jpg?w=900">', ["/x.jpg?w=900"]),
    ("pictures that differ in more", '<img src="/p?id=1&w=300"><img src="/p?id=2&w=300">', ["/p?id=1&w=300", "/p?id=2&w=300"]),
    ("same picture twice", '<img src="/a.jpg"><img src="/b/../a.jpg#x">', ["/a.jpg"]),
    ("icons", '<img src="/i.png" width="40" height="40"><img src="/p.gif" width=1><img src="/l.svg">', []),
    ("data URL", f'<img src="{PIXEL}">', []),
    ("video poster", '<video poster="/v.jpg"><source src="/v.mp4"></video>', ["/v.jpg"]),
    ("bad URLs", '<img src="http://["><img src="http://a:b:c/x.jpg"><a href="javascript:x">x</a><img src="">', []),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_markup_gives_each_picture_once_with_its_best_url(markup: str, wanted: list[str]) -> None:
    """Each markup lists the largest version of each picture and nothing else."""
    found = parse_html(f"<html><body>{markup}</body></html>".encode(), URL).listings

    assert [one.image_url.removeprefix("http://a.example") for one in found] == wanted
    assert all(one.page_url == URL for one in found)


def test_a_thumbnail_that_links_to_a_page_names_that_page() -> None:
    """The loop must know where to look for the picture before it takes a thumbnail."""
    markup = (
        b'<a href="/looks/1#top"><img src="/t.jpg" alt=" Look  1 "></a>'
        b'<a href="/looks/2"><i style="background:url(/u.jpg)"></i></a>'
    )
    first, second = parse_html(markup, URL).listings

    assert (first.detail_url, first.title) == ("http://a.example/looks/1", "Look 1")
    assert second.detail_url == "http://a.example/looks/2"


def test_links_feeds_title_and_flags() -> None:
    """Links are absolute, without fragments, pictures and files; rel=next is told apart; robots metas are flags."""
    found = parse_html(
        b'<title> Fall </title><meta name="robots" content="NoAI, nofollow"><link rel="next" href="?page=2">'
        b'<link rel="alternate" type="application/rss+xml" href="/feed.xml"><a href="/a#x">a</a><a href="/a">a</a>'
        b'<a href="/f.pdf">f</a><a rel="nofollow" href="/no">n</a><a href="mailto:x@y">m</a>',
        URL,
    )

    assert found.links == (URL + "?page=2", "http://a.example/a")
    assert found.next_links == (URL + "?page=2",)
    assert found.feeds == ("http://a.example/feed.xml",)
    assert (found.title, found.noai, found.nofollow, found.noindex) == ("Fall", True, True, False)


def test_the_width_hint_is_the_width_of_the_chosen_size() -> None:
    """A w descriptor is the width of its file."""
    (one,) = parse_html(b'<img src="/t.jpg" srcset="/f.jpg 550w" width="90">', URL).listings

    assert one.width_hint == 550


def test_sitemaps() -> None:
    """A urlset lists pages and image:loc pictures; an index lists sitemaps; gzip and plain text are understood."""
    body = (
        b'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/'
        b'schemas/sitemap-image/1.1"><url><loc> http://a.example/p </loc><image:image><image:loc>http://c.example/f.jpg'
        b"</image:loc></image:image></url></urlset>"
    )
    for kind, found in (parse(body, URL), parse(gzip.compress(body), URL)):
        assert kind == "sitemap"
        assert found.links == ("http://a.example/p",)
        assert [(one.image_url, one.page_url) for one in found.listings] == [
            ("http://c.example/f.jpg", "http://a.example/p")
        ]
    index = b"<sitemapindex><sitemap><loc>http://a.example/s1.xml</loc></sitemap></sitemapindex>"
    assert parse_sitemap(index, URL).links == ("http://a.example/s1.xml",)
    assert parse(b"http://a.example/x\nhttp://a.example/y\n", URL, content_type="text/plain")[1].links[1:] == (
        "http://a.example/y",
    )


def test_feeds() -> None:
    """RSS enclosures, media groups (the widest), HTML in descriptions, Atom content; channel logos are not taken."""
    rss = (
        b'<rss xmlns:media="http://search.yahoo.com/mrss/"><channel><title>F</title><image><url>http://a.example/logo.jpg</url></image>'
        b'<item><title>one</title><link>http://a.example/1</link><enclosure url="/f1.jpg" type="image/jpeg"/></item>'
        b'<item><media:group><media:content url="/t2.jpg" width="100"/><media:content url="/f2.jpg" width="900"/></media:group>'
        b'<media:thumbnail url="/s2.jpg"/></item><item><media:thumbnail url="/t3.jpg"/></item>'
        b'<item><description>&lt;img src="/f4.jpg"&gt;</description></item></channel></rss>'
    )
    found = parse_feed(rss, "http://a.example/feed")
    assert {one.image_url.rpartition("/")[2] for one in found.listings} == {"f1.jpg", "f2.jpg", "t3.jpg", "f4.jpg"}
    assert {one.image_url[-6:]: one.page_url for one in found.listings}["f1.jpg"] == "http://a.example/1"
    atom = (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><link rel="next" href="/feed?p=2"/><entry><link href="/e"/>'
        b'<content type="html">&lt;img src="/f.jpg"/&gt;</content></entry></feed>'
    )
    kind, found = parse(atom, "http://a.example/feed")
    assert (kind, found.next_links) == ("feed", ("http://a.example/feed?p=2",))
    assert [(one.image_url, one.page_url) for one in found.listings] == [
        ("http://a.example/f.jpg", "http://a.example/e")
    ]


def test_xml_entities_are_neither_loaded_nor_expanded(tmp_path: object) -> None:
    """External entities stay unread and nested ones unexpanded."""
    secret = "/etc/hostname"
    body = (
        f'<!DOCTYPE urlset [<!ENTITY x SYSTEM "file://{secret}"><!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">'
        "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;'>]><urlset><url><loc>http://a.example/&x;&d;"
        "</loc></url></urlset>"
    )
    assert all(len(link) < 40 for link in parse_sitemap(body.encode(), URL).links)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("HTTP://A.Example:80/a/./b/../c?x=1#f", "http://a.example/a/c?x=1"),
        ("https://a.example", "https://a.example/"),
        ("http://a.example/%7euser/a b/\u00e9", "http://a.example/~user/a%20b/%C3%A9"),
        ("http://user:pass@b\u00fccher.example:8080/%", "http://xn--bcher-kva.example:8080/%25"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x"),
        ("http://[", ""), ("ftp://a.example/", ""), ("http://a.example:99999/", ""), ("http:///x", ""), ("a.jpg", ""),
    ],
)  # fmt: skip
def test_normalise(raw: str, wanted: str) -> None:
    """URLs that mean the same become equal; what is no http URL becomes empty."""
    assert normalise(raw) == wanted


def test_keys_and_shapes_of_urls() -> None:
    """Permuted and tracking parameters do not make a new page; digits do not make a new shape; loops are seen."""
    assert page_key("http://a.example/?b=2&a=1&utm_source=x") == page_key("http://a.example/?a=1&b=2")
    assert shape("http://a.example/calendar/2017/01/") == shape("http://a.example/calendar/2018/12/")
    assert shape("http://a.example/p?page=1") != shape("http://a.example/q?page=1")
    assert page_key("http://a.example/look;jsessionid=0A1B.n1?id=1") == page_key("http://a.example/look?id=1")
    assert shape("http://a.example/look;jsessionid=0A1B.n1?id=1") == shape("http://a.example/look?id=2")
    assert runaway("http://a.example/" + "x/" * 5)
    assert not runaway("http://a.example/2017/01/01/01/01/x")


def test_limits_of_urls() -> None:
    """2,000 characters and three times one word are no loop, one more is; a host of 253 characters is one, of 254 none."""
    base = "http://a.example/"
    assert not runaway(base + "x" * (2_000 - len(base)))
    assert runaway(base + "x" * (2_001 - len(base)))
    assert not runaway(base + "a/b/" * 3)
    assert runaway(base + "a/b/" * 3 + "a")
    host = "a" * 251 + ".b"
    assert normalise(f"http://{host}/") == f"http://{host}/"
    assert normalise(f"http://a{host}/") == ""


@pytest.mark.parametrize(
    ("text", "same"),
    [("0123abcd", True), ("0123abc", True), ("abcdefab", False), ("123abcg8", False), ("0123abcd9", True)],
)
def test_what_counts_as_a_code(text: str, *, same: bool) -> None:
    """Eight and more hex digits, one of them a figure, are a code like any other; shorter texts keep their letters."""
    other = "ffff0000" if len(text) > 7 else "9999abc"

    assert (shape(f"http://a.example/p/{text}") == shape(f"http://a.example/p/{other}")) == same


def test_charsets() -> None:
    """The header's charset, a meta charset and UTF-8 are used; unknown and wrong names are survived."""
    text = "<title>caf\u00e9</title>"
    assert parse_html(text.encode("latin-1"), URL, charset="ISO-8859-1").title == "caf\u00e9"
    assert parse_html(b"<meta charset=windows-1252>" + text.encode("cp1252"), URL).title == "caf\u00e9"
    assert parse_html(text.encode(), URL, charset="no-such-thing").title == "caf\u00e9"
    assert parse_html(text.encode(), URL, charset="base64").title == "caf\u00e9"
    assert parse_html(text.encode("utf-16"), URL).title == "caf\u00e9"


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(
    st.one_of(st.binary(max_size=400), st.text(alphabet="<>/='\" imgsrcatd:x[]{}()&;#%!-\x00\udcff1w,", max_size=300))
)
def test_no_input_raises(body: bytes | str) -> None:
    """Any bytes parse to a Page, as HTML, sitemap and feed, alone and inside markup."""
    data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    script = b"<script type=application/json>%s</script>"
    frames = (b"%s", b"<img srcset='%s' style='background:url(%s)'>", script, b"<rss><item>%s")
    for frame in frames:
        whole = frame.replace(b"%s", data)
        for found in (parse(whole, URL)[1], parse_html(whole, URL), parse_sitemap(whole, URL), parse_feed(whole, URL)):
            assert isinstance(found, Page)
            assert all(normalise(one.image_url) == one.image_url for one in found.listings)


@settings(max_examples=300)
@given(
    st.sampled_from(
        [URL, "https://B.example:443/x?y", "http://c.example:8080", "", "ftp://a.example/", "/x", "http://["]
    ),
    st.text(alphabet="/.ab~-_1%?", max_size=12),
)
def test_the_short_way_to_resolve_gives_what_the_long_way_gives(base: str, reference: str) -> None:
    """Plain paths are put behind the site's root; the result is that of RFC 3986."""
    try:
        wanted = normalise(urljoin(base, reference))
    except ValueError:
        wanted = ""
    assert resolve(base, reference) == wanted


@settings(max_examples=300)
@given(
    st.sampled_from(["http", "https"]), st.text(alphabet="aZ0._-@", max_size=5),
    st.sampled_from(["", ":", ":80", ":443", ":08", ":8", ":8080", ":59999", ":65536"]),
    st.text(alphabet="/.aZ_~-%?#\\\n", max_size=8),
)  # fmt: skip
def test_what_is_normal_already_is_seen_at_once(scheme: str, name: str, port: str, path: str) -> None:
    """The short way gives what the long way gives, which a blank in front asks for."""
    url = f"{scheme}://{name}{port}{path}"
    assert normalise(url) == normalise(" " + url)


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing(text: str) -> None:
    """The normal form is a fixed point, for absolute and for relative references."""
    for url in (normalise("http://a.example/" + text), resolve(URL, text), normalise(text)):
        assert normalise(url) == url


@pytest.mark.parametrize(
    "body",
    [
        b"<div>" * 20_000, b"<script>a=" + b"[" * 50_000, b'<script>a={"a":' * 5_000,
        b"<style>" + b"background:url(" * 20_000, b"<img srcset='" + b"a," * 50_000 + b"'>", b"<a>" * 20_000,
    ],
)  # fmt: skip
def test_deep_and_repetitive_input_is_survived(body: bytes) -> None:
    """Nesting and repetition neither overflow the stack nor take long."""
    assert isinstance(parse_html(body, URL), Page)
