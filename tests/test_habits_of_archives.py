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


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ("/images/coat.width-800.jpg", "/original_images/coat.jpg"),
        ("/images/coat.2e16d0ba.fill-400x600.format-webp.jpg", "/original_images/coat.jpg"),
        ("/looks/coat.jpg.300x400_q85_crop.jpg", "/looks/coat.jpg"),
        ("/media/cache/resolve/sylius_small/ab/cd/coat.jpg", "/media/image/ab/cd/coat.jpg"),
        ("/media/cache/thumb/uploads/coat.jpg.webp", "/uploads/coat.jpg"),
        ("/assets/Uploads/_resampled/SetWidth600-coat.jpg", "/assets/Uploads/coat.jpg"),
        ("/assets/Uploads/coat__FillWzQwMCw2MDBd.jpg", "/assets/Uploads/coat.jpg"),
        ("/site/assets/files/1234/coat.400x600.jpg", "/site/assets/files/1234/coat.jpg"),
        ("/media/pages/looks/ab-12/coat-400x600-crop.jpg", "/media/pages/looks/ab-12/coat.jpg"),
        ("/images/thumbnails/300/400/detailed/1/coat.jpg", "/images/detailed/1/coat.jpg"),
        ("/images/thumbs/0000123_coat_415.jpeg", "/images/thumbs/0000123_coat.jpeg"),
        ("/system/photos/12/thumb/coat.jpg?1300000000", "/system/photos/12/original/coat.jpg"),
        ("/uploads/look/photo/12/thumb_coat.jpg", "/uploads/look/photo/12/coat.jpg"),
        ("/assets/coat-thumb-400x600-123.jpg", "/assets/coat.jpg"),
        ("/iiif/ark:/12/f1/full/,300/0/native.jpg", "/iiif/ark:/12/f1/full/full/0/native.jpg"),
        ("/images/thumbs/coat.jpg", "/images/thumbs/coat.jpg"),
        ("/uploads/coats/thumb_coat.jpg", "/uploads/coats/thumb_coat.jpg"),
    ],
)  # fmt: skip
def test_a_program_names_its_smaller_files_in_its_own_way(small: str, large: str) -> None:
    """Wagtail, Django's and Symfony's, SilverStripe, ProcessWire, Kirby, CS-Cart, nopCommerce, Rails' two, Movable Type."""
    assert ranked(f"https://o.example{small}")[0] == f"https://o.example{large}"


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ("lirp.cdn-website.com/ab12/dms3rep/multi/opt/coat-640w.jpg", "irp.cdn-website.com/ab12/dms3rep/multi/coat.jpg"),
        ("cdn.webshopapp.com/shops/61/files/123/300x250x2/coat.jpg", "cdn.webshopapp.com/shops/61/files/123/coat.jpg"),
        ("assets.bigcartel.com/product_images/12/coat.jpg?auto=format&w=600", "assets.bigcartel.com/product_images/12/coat.jpg"),
        ("static.zara.net/assets/public/ab/coat.jpg?ts=17&w=560", "static.zara.net/assets/public/ab/coat.jpg?ts=17"),
    ],
)  # fmt: skip
def test_a_builder_of_shops_has_one_host_for_all_its_sizes(small: str, large: str) -> None:
    """Duda, Lightspeed, Big Cartel, and a house that has its own."""
    assert ranked(f"https://{small}")[0] == f"https://{large}"


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
     "/media/trusted-shops.png", "/ui/heart.png"],
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


CARGO = '{"hash": "F1234567", "name": "Look 1.jpg", "is_image": true, "width": 2000, "height": 3000}'
UPLOADS = "http://a.example/wp-content/uploads"
MEDIA = (
    f'{{"source_url": "{UPLOADS}/2020/01/1.jpg", "media_details": {{"file": "2020/01/1.jpg", "sizes": {{"full": {{"file": '
    f'"1.jpg", "source_url": "{UPLOADS}/2020/01/1.jpg"}}, "thumbnail": {{"file": "1-150x150.jpg", "source_url": '
    f'"{UPLOADS}/2020/01/1-150x150.jpg"}}}}}}}}'
)
GATSBY = (
    '{"images": {"fallback": {"src": "/h/a/1.jpg", "srcSet": "/h/b/1.jpg 400w, /h/a/1.jpg 1600w"}, "sources": [{"srcSet": '
    '"/h/c/1.webp 400w, /h/d/1.webp 1600w", "type": "image/webp"}]}}'
)


@pytest.mark.parametrize(
    ("markup", "wanted"),
    [
        (f'<script type="text/json">{{"media": [{CARGO}]}}</script>', ["https://freight.cargo.site/t/original/i/F1234567/Look%201.jpg"]),
        (f'<script type="application/json">[{MEDIA}]</script>', ["/wp-content/uploads/2020/01/1.jpg"]),
        (f'<script type="application/json">{GATSBY}</script>', ["/h/d/1.webp"]),
        ('<applet><param name="image1" value="/1.jpg"><param name="code" value="a.class"></applet>', ["/1.jpg"]),
        ('<div class="newsletter-archive"><img src="/1.jpg"></div><p class="newsletter-form"><img src="/2.jpg"></p>', ["/1.jpg"]),
        ('<img src="/p/12-large.jpg"><a href="/p/12-thickbox.jpg"><img src="/p/12-medium.jpg"></a>', ["/p/12-thickbox.jpg"]),
        ('<div data-bg-desktop="/1.jpg" data-bg-mobile="/2.jpg"></div>', ["/1.jpg"]),
        ('<script>x = {"photo": "/1.jpg", "reviewer": {"headshot": {"url": "/2.jpg"}}}</script>', ["/1.jpg"]),
        ('<ul data-images="/1.jpg;/2.jpg"></ul>', ["/1.jpg", "/2.jpg"]),
        (('<div class="newsletter-popup-wrapper"><img src="/2.jpg"></div><div class="as-seen-in"><img src="/v.png"></div>'
         '<img src="https://www.googletagmanager.com/x.gif"><div class="mini-cart"><img src="/3.jpg"></div><img src="/1.jpg">'),
         ["/1.jpg"]),
    ],
)  # fmt: skip
def test_a_page_gives_what_a_person_sees(markup: str, wanted: list[str]) -> None:
    """Cargo's and WordPress' media, Gatsby's formats, an applet's photos, a list; no marks of others."""
    assert seen(markup) == wanted


def test_a_feed_calls_elements_images() -> None:
    """Shops' ``g:image_link``, and what an item calls its image, with its address as its text or in ``url``."""
    inner = "<g:image_link>/1.jpg</g:image_link><image><url>/2.jpg</url></image><photo>/3.jpg</photo><image>a coat.jpg</image>"
    feed = f'<rss xmlns:g="http://base.google.com/ns/1.0"><channel><item><link>/a</link>{inner}</item></channel></rss>'
    assert [one.image_url[-6:] for one in parse_feed(feed.encode(), URL).listings] == ["/1.jpg", "/2.jpg", "/3.jpg"]
