"""What people wrote by hand and what their hosts and optimisers made of it: names with spaces, popups, held-back scripts."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from deepstyle.scraper.charsets import looks_like
from deepstyle.scraper.clicks import clicked
from deepstyle.scraper.families import family
from deepstyle.scraper.marks import unwanted
from deepstyle.scraper.pages import Page, parse, parse_html
from deepstyle.scraper.sites import ranked
from deepstyle.scraper.urls import is_picture_url, page_key

URL = "http://a.example/shows/fall"
TWO = json.dumps({"images": ["/i/1.jpg", "/i/2.jpg"]})


def seen(markup: str | bytes) -> list[str]:
    """The best URLs of a page's pictures, without their host."""
    body = markup if isinstance(markup, bytes) else markup.encode()
    return [one.image_url.removeprefix("http://a.example") for one in parse_html(body, URL).listings]


@pytest.mark.parametrize(
    "markup",
    [
        "<script>pics = new Array('/p/a 1.jpg', '/p/b 2.jpg');</script>",
        "<script>pics[0] = '/p/a 1.jpg'; pics[1] = '/p/b 2.jpg';</script>",
        """<script>g = {"images": ["/p/a 1.jpg", "/p/b 2.jpg"]}</script>""",
        """<div data-images='["/p/a 1.jpg", "/p/b 2.jpg"]'></div>""",
        "<img src='/t/a.jpg' onclick=\"zoom('/p/a 1.jpg')\"><a href=\"javascript:show('/p/b 2.jpg')\"><img src='/t/b.jpg'></a>",
        "<script>dir_photos = '/p/'; pics = ['a 1.jpg', 'b 2.jpg'];</script>",
    ],
)
def test_names_of_files_may_have_spaces_wherever_they_are_written(markup: str) -> None:
    """People name their photos ``look 1.jpg``, and scripts, JSON and clicks name them so, too."""
    assert seen(markup) == ["/p/a%201.jpg", "/p/b%202.jpg"]


def test_a_sentence_that_ends_with_a_file_is_no_address() -> None:
    """Only a path may have spaces in it: no caption, no list, no set of sizes."""
    assert not any(
        map(is_picture_url, ("See /a.jpg", "Photo: b/a.jpg", "/a.jpg, /b.jpg", "/a.jpg /b.jpg", "/a.jpg 2x"))
    )
    assert not is_picture_url("/a.jpg 2x", surely=True)


def test_brackets_of_css_may_be_escaped() -> None:
    """In a style without quotes a bracket has a backslash before it; other signs may be written as their numbers."""
    assert seen(r"<i style='background-image:url(/p/a\(1\).jpg)'></i>") == ["/p/a(1).jpg"]
    assert seen(r"<i style='background-image:url(&quot;http\3a //a.example/1.jpg&quot;)'></i>") == ["/1.jpg"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "rocketlazyloadscript", "0a1b2c3d-text/javascript", "litespeed/javascript"]
)
def test_scripts_that_are_held_back_are_read_as_scripts(kind: str) -> None:
    """Caches and consent banners change a script's type until they run it."""
    assert seen(f"<script type='{kind}'>var g = {TWO};</script>") == ["/i/1.jpg", "/i/2.jpg"]
    assert seen("<script type='text/plain'><img src='/i/1.jpg'></script>") == ["/i/1.jpg"]


@pytest.mark.parametrize(
    "markup",
    [
        f"<div data-state='{base64.b64encode(TWO.encode()).decode()}'></div>",
        f"<div data-state='{base64.b64encode(TWO.encode()).decode().rstrip('=')}'></div>",
        f"<div data-state='{quote(TWO)}'></div>",
        f"<script>s = atob('{base64.b64encode(TWO.encode()).decode()}')</script>",
        "<div ng-init=\"photos = [{src: '/i/1.jpg'}, {src: '/i/2.jpg'}]\"></div>",
        "<a onclick=\"Fancybox.show([{src: '/i/1.jpg'}, {src: '/i/2.jpg'}])\">look</a>",
        "<image-slider images='/i/1.jpg,/i/2.jpg'></image-slider>",
        "<div data-html='&lt;img src=/i/1.jpg&gt;&lt;img src=/i/2.jpg&gt;'></div>",
        "<script>$('#m').attr('src', '/i/1.jpg'); e.style.backgroundImage = \"url('/i/2.jpg')\";</script>",
    ],
)
def test_state_in_odd_wrappings_is_unwrapped(markup: str) -> None:
    """Base64, percent escapes, code in attributes, markup in attributes, what jQuery sets: two photos each."""
    assert sorted(seen(markup)) == ["/i/1.jpg", "/i/2.jpg"]


@pytest.mark.parametrize(
    "markup",
    [
        "<img src='/s/1.jpg' longdesc='/i/1.jpg'>",
        "<ul><li rel='/i/1.jpg'><img src='/s/1.jpg'></li></ul>",
        "<a href='/product/1' rev='/i/1.jpg'><img src='/s/1.jpg'></a>",
        "<iframe src='/i/1.jpg' width=600 height=800></iframe>",
        "<frameset><frame src='/i/1.jpg'></frameset>",
        '<script>x = {"primaryImage": "/i/1.jpg", "primaryImageSmall": "/web/1.jpg"}</script>',
        '<script>x = {"photo": {"full_size_url": "/i/1.jpg", "url": "/f/1.jpg", "thumbnails": [{"url": "/t/1.jpg"}]}}</script>',
        "<script>dir = 'i/'; pics = ['i/1.jpg'];</script>",
    ],
)
def test_the_large_photo_stands_in_old_attributes_frames_and_beside_its_small_one(markup: str) -> None:
    """``longdesc``, ``rel``, ``rev``, a frame of its own, and in JSON a key that the small one's begins with."""
    assert [one.rpartition("/i/")[2] for one in seen(markup)] == ["1.jpg"]


def _page(markup: str) -> Page:
    return parse_html(markup.encode(), URL)


def test_a_click_leads_to_the_page_that_its_script_opens() -> None:
    """Another frame's address and the pages that popup functions open are links, and the thumbnail's page."""
    found = _page("""<a href="javascript:parent.main.location.href='g2.htm'">Fall</a>
        <a href="javascript:popup('zoom.php?img=big/1.jpg', 600)"><img src="t/1.jpg"></a>""")

    assert found.links == ("http://a.example/shows/g2.htm", "http://a.example/shows/zoom.php?img=big/1.jpg")
    assert [one.detail_url for one in found.listings] == ["http://a.example/shows/zoom.php?img=big/1.jpg"]
    assert clicked("onclick", "f('v.php?p=big/1.jpg')")
    assert not clicked("onclick", "f('v.php?p=1')")
    assert not clicked("onclick", "deletePhoto('a.php?id=1')")
    assert not clicked("onclick", "viewAndPrint('a.php?id=1')")
    assert not clicked("href", "/a.html")


@pytest.mark.parametrize(
    ("function", "call", "links"),
    [
        ('function look(id,c){window.open("/look.asp?id="+id+"&c="+c,"w","width=500");}', "look('17','red')",
         ["/look.asp?id=17&c=red"]),
        ("function show(n) { location.href = 'show.php?n=' + encodeURIComponent(n); }", "show(7); return false",
         ["/shows/show.php?n=7"]),
        ("var go = (a, b) => { window.location = '/' + a + '/' + b + '/'; }", "go('fall', 'dior')", ["/fall/dior/"]),
        ("function look(id){window.open(base + '/look.asp?id=' + id);}", "look('17')", []),
        ("function look(id){window.open('/look.asp?id=' + id + size);}", "look('17')", []),
        ("function addLook(id){location.href='/my.php?look=' + id;}", "addLook('17')", []),
        ("function look(id){location.href='/cart?add=' + id;}", "look('17')", []),
    ],
)  # fmt: skip
def test_a_function_opens_a_page_of_what_it_is_handed(function: str, call: str, links: list[str]) -> None:
    """The address is written out for each call, on a link or on what is clicked; deeds, and what is not all known, are not."""
    for element in (
        f'<a href="javascript:;" onclick="{call}"><img src="t/1.jpg"></a>',
        f'<div onclick="{call}">1</div>',
    ):
        found = _page(f"<script>{function}</script>{element}")

        assert [one.removeprefix("http://a.example") for one in found.links] == links
        assert [one.detail_url for one in found.listings if one.detail_url] == (
            list(found.links) if "img" in element else []
        )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cp1251", "Показ мод в Москве"), ("koi8_r", "Показ мод в Москве, платья"), ("cp1255", "שמלות ערב חדשות"),
        ("gb18030", "春季系列 女装 照片"), ("big5", "春季系列 女裝 照片 時尚 設計師"), ("cp949", "신상품 원피스"),
        ("euc_jp", "春のコレクション"), ("cp932", "ワンピース 新作"),
        ("cp1252", "Défilé automne-hiver à Paris, été"), ("cp1252", "Größe für Mädchen, schöne Kleider"),
    ],
)  # fmt: skip
def test_a_page_that_does_not_state_its_encoding_is_read_in_the_one_it_looks_like(name: str, text: str) -> None:
    """Names of files are right then, and so are titles."""
    assert looks_like(f"<p>{text}</p><img src=x>".encode(name)) == name
    if name != "cp1252":
        assert seen(f"<p>{text}</p><img src='/{text[:3]}.jpg'>".encode(name)) == [f"/{quote(text[:3])}.jpg"]


def test_a_broken_sign_does_not_make_a_page_another_encoding() -> None:
    """UTF-8 that was cut in one place is UTF-8."""
    assert looks_like("<p>Показ мод в Москве, платья</p>".encode() + b"\xd0<p>") == "utf-8"


def test_jsonp_is_json() -> None:
    """An answer that calls a function with its value is read as the value."""
    _, found = parse(f"/**/cb_1({TWO});".encode(), URL, content_type="application/javascript")
    assert [one.image_url[-8:] for one in found.listings] == ["/i/1.jpg", "/i/2.jpg"]


def test_the_same_filter_twice_is_the_same_page() -> None:
    """Shops that add what is chosen to what was chosen already have no end of addresses."""
    assert page_key("http://a.example/?c=1&c=1&c=2") == page_key("http://a.example/?c=2&c=1")


def test_a_preset_with_a_small_width_is_a_size() -> None:
    """``?$S$&wid=40`` is the photo of ``?$XXL$&wid=900``."""
    small, large = (f"http://a.example/products/1-2?${one}" for one in ("S$&wid=40", "XXL$&wid=900"))
    assert family(small)[0] == family(large)[0]


def test_a_folder_called_big_or_with_a_box_is_a_size() -> None:
    """The larger of ``/images/c246x328/1.webp`` and ``/images/big/1.webp`` is taken, once."""
    assert seen("<img src='/1/images/c246x328/1.webp'><img src='/1/images/big/1.webp'>") == ["/1/images/big/1.webp"]


def test_bitrix_makes_sizes_of_its_uploads() -> None:
    """What ``resize_cache`` holds is asked for in the size that was uploaded, and then as it is."""
    small, large = "/upload/resize_cache/iblock/abc/50_50_1/a.jpg", "/upload/iblock/abc/a.jpg"
    assert ranked(f"http://a.example{small}") == (f"http://a.example{large}", f"http://a.example{small}")


def test_the_description_of_a_iiif_image_stands_for_the_image() -> None:
    """Deep zooms name ``info.json``; its image can be had whole."""
    whole = "https://m.example/iiif/2/9/full/max/0/default.jpg"
    assert seen('<script>view({tileSources: "https://m.example/iiif/2/9/info.json"})</script>') == [whole]
    assert seen('<div data-iiif="https://m.example/iiif/2/9/info.json"></div>') == [whole]
    assert not seen('<script>view({x: "https://m.example/api/info.json"})</script>')


def test_a_thumbnail_beside_the_photos_of_its_product_is_none_of_them() -> None:
    """``thumbnailImageUrl`` is a thumbnail by the first of its three words."""
    markup = '<script>x = {"goodsImages": [{"imageUrl": "/i/1_500.jpg"}], "thumbnailImageUrl": "/i/1_125.jpg"}</script>'
    assert seen(markup) == ["/i/1_500.jpg"]


def test_buttons_of_old_pages_are_no_photos() -> None:
    """Both states of a button, a folder of them, and networks' own marks."""
    urls = ("/next_off.gif", "/buttons/a.gif", "/icon18_email.gif", "/customavatars/avatar1_2.gif")
    assert all(unwanted(f"http://a.example{one}") for one in urls)
    assert unwanted("https://assets.pinterest.com/images/PinExt.png")
