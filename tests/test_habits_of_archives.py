"""What pages of archives and museums do, and small habits beside them: sizes, thumbnails as small as icons, counted answers."""

from __future__ import annotations

from typing import Any

import pytest

from deepstyle.scraper.pages import parse_feed, parse_html, parse_sitemap
from deepstyle.scraper.series import next_part
from deepstyle.scraper.sites import ranked

URL = "http://a.example/shows/fall"
HASH = "0123456789abcdef0123456789abcdef"


def seen(markup: str) -> list[str]:
    """The best URLs of a page's pictures, without their host."""
    found = parse_html(f"<html><body>{markup}</body></html>".encode(), URL).listings
    return [one.image_url.removeprefix("http://a.example") for one in found]


@pytest.mark.parametrize(
    ("variant", "originals"),
    [
        (f"https://o.example/files/square_thumbnails/{HASH}.jpg", (f"files/original/{HASH}.jpg", f"files/fullsize/{HASH}.jpg")),
        (f"https://o.example/s/files/medium/{HASH}01234567.jpg", (f"s/files/original/{HASH}01234567.jpg",
         f"s/files/large/{HASH}01234567.jpg")),
        ("https://o.example/digital/api/singleitem/collection/p15/id/45/thumbnail", ("iiif/2/p15:45/full/max/0/default.jpg",
         "digital/iiif/p15/45/full/full/0/default.jpg")),
        ("https://o.example/internal/media/dispatcher/22/resize%3Aformat%3Dpreview", ("internal/media/dispatcher/22/full",)),
        ("https://o.example/fall/coat.jpg/@@images/image/mini", ("fall/coat.jpg/@@images/image",)),
    ],
)  # fmt: skip
def test_an_archive_has_its_originals_beside_the_thumbnails(variant: str, originals: tuple[str, ...]) -> None:
    """Omeka, CONTENTdm, eMuseum and Plone; the thumbnail itself is asked for last, as an original may be missing."""
    assert ranked(variant) == (*(f"https://o.example/{one}" for one in originals), variant)


def test_an_original_of_the_smithsonian_is_asked_for_without_a_largest_side() -> None:
    """What names no side is the original; an address that names none stays as it is."""
    whole = "https://ids.si.edu/ids/deliveryService?id=NMAH-5"
    assert ranked(f"{whole}&max=300") == (whole, f"{whole}&max=300")
    assert ranked(whole) == (whole,)


@pytest.mark.parametrize(
    ("markup", "wanted"),
    [
        ("""<img src="/s/1.jpg" width="60" onmouseover="document.images['big'].src='/l/1.jpg'">""", ["/l/1.jpg"]),
        ("""<img src="/s/1.jpg" width="50" height="50" onclick="show('/l/1.jpg')">""", ["/l/1.jpg"]),
        ('<img src="/s/1.jpg" width="50" height="50" data-zoom-image="/l/1.jpg">', ["/l/1.jpg"]),
        ("""<img src="/s/1.jpg" width="20" onmouseover="this.src='/s/1_on.jpg'">""", []),
        ('<img src="/s/1.jpg" width="50" data-src="/s/1.jpg">', []),
    ],
)  # fmt: skip
def test_a_thumbnail_as_small_as_an_icon_names_its_photo(markup: str, wanted: list[str]) -> None:
    """What it names for a zoom, a click or another's place is a photo; a button that changes itself stays an icon."""
    assert seen(markup) == wanted


@pytest.mark.parametrize(
    "mark",
    ["/files/logo_180x.png", "/files/logo_x60.png", "/images/statusicon/user-online.png", "/img/payment.png",
     "/media/trusted-shops.png"],
)  # fmt: skip
def test_marks_are_known_by_their_files(mark: str) -> None:
    """A shop's logo by one side, icons of a state in their folder, how to pay."""
    assert seen(f'<img src="{mark}"><img src="/1.jpg">') == ["/1.jpg"]


def test_faces_and_marks_of_feeds_and_sitemaps_are_no_photos() -> None:
    """A blog's feed has its author's face as the first medium of each item, a sitemap the logo of each page."""
    media = '<media:content url="https://2.gravatar.com/avatar/a" medium="image"/><media:content url="/1.jpg" medium="image"/>'
    feed = (
        f'<rss xmlns:media="http://search.yahoo.com/mrss/"><channel><item><link>/a</link>{media}</item></channel></rss>'
    )
    images = "".join(f"<image:image><image:loc>/{one}</image:loc></image:image>" for one in ("logo.png", "1.jpg"))
    urls = f'<urlset xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url><loc>/a</loc>{images}</url></urlset>'
    for page in (parse_feed(feed.encode(), URL), parse_sitemap(urls.encode(), URL)):
        assert [one.image_url for one in page.listings] == ["http://a.example/1.jpg"]


@pytest.mark.parametrize(
    ("asked", "answer", "following"),
    [
        ("/api/looks", {"items": [], "next_cursor": "k1", "has_more": True}, "/api/looks?cursor=k1"),
        ("/api/looks?cursor=k1", {"next_cursor": "k1"}, ""),
        ("/json?limit=6", {"total": 20, "offset": 0, "limit": 6}, "/json?limit=6&offset=6"),
        ("/json?limit=6&offset=18", {"total": 20, "offset": 18, "limit": 6}, ""),
        ("/graph", {"pageInfo": {"endCursor": "Yz=", "hasNextPage": True}}, "/graph?after=Yz%3D"),
        ("/graph", {"pageInfo": {"endCursor": "Yz=", "hasNextPage": False}}, ""),
        ("/api?page=2", {"page": 2, "start": 6, "total": 20, "limit": 6, "next_page": None}, "/api?page=3"),
    ],
)  # fmt: skip
def test_an_answer_names_the_parameter_of_its_next_part(asked: str, answer: Any, following: str) -> None:
    """An address that states no offset or cursor gets it by the name that the answer has for it, until it says that it ends."""
    assert next_part(answer, f"http://a.example{asked}").removeprefix("http://a.example") == following
