"""Texts that were made to be read in many ways are read in one: what costs grows as their length does.

Each of these took minutes or for ever; the bound is far above what they take, and far below what they took.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deepstyle.scraper.families import family
from deepstyle.scraper.pages import parse, parse_html
from deepstyle.scraper.sites import ranked

URL = "http://a.example/shows"
PACKAGE = Path(parse.__code__.co_filename).parents[1]
BOUND = 10.0  # CPU seconds


def cpu(work: Callable[[], Any]) -> float:
    """CPU seconds of one call."""
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize("before", [b"<!---->", b"<!-- -->\n", b"<?xml ?>", b"<?xml-stylesheet ?> ", b" \n"])
def test_what_stands_before_a_root_is_read_once(before: bytes) -> None:
    """Thirty empty comments before an html element took ten minutes; the root of a feed is found behind as many."""
    assert cpu(lambda: parse(before * 1_000 + b"<html>", URL)) < BOUND
    assert parse(before * 50 + b"<html><img src=/a.jpg>", URL)[0] == "page"
    assert parse(before * 50 + b"<rss></rss>", URL)[0] == "feed"


ADDRESSES = (
    ("https://cdn.sanity.io/images/a?", "w=", "&x=1"), ("https://images.ctfassets.net/a?", "w=&", "x=1"),
    ("https://images.unsplash.com/a?w=1&", "h=h=", "#"), ("https://a.example", "/wp-content/uploads/", "a.jpg"),
    ("https://a.example/wp-content/uploads/", "a-300x300.jpg", "a"), ("https://a.example", "/wp-content/uploads/", "-scaled.jp"),
    ("https://a.example/wp-content/uploads/", "-scaled.jpg", "a"), ("https://i0.wp.com/", "a.", "/b"),
    ("https://i0.wp.com/", ".", "/b/c"), ("https://a.example/cdn-cgi/image/", "=", ""), ("https://a.example", "/_ipx/a", ""),
    ("https://a.example", "/cdn-cgi/image/a=", ""), ("https://cdn.shopify.com/s/files/", "a_small_crop_a", ".jp"),
    ("https://cdn.shopify.com/s/files/", "a_1x", ".jp"), ("https://cdn.shopify.com/s/files/a_small.jpg?", "v=1&", "x"),
    ("https://a.example/image/upload/", "w_1%2C", "w_1"), ("https://a.example/image/upload/", "w_1,", "w_1"),
    ("https://a.example/image/upload", "/w_1%2Cw_1", ""), ("https://a.example", "/image/upload/w_1", ""),
    ("https://m.media-amazon.com/images/", "._", "a"), ("https://m.media-amazon.com/images/", "._a", "/x._a_.jpg"),
    ("https://m.media-amazon.com/images/", "a._", "_.jpg"), ("https://1.bp.blogspot.com/", "s100/", ""),
    ("https://1.bp.blogspot.com/", "/s100-a", ""), ("https://a.example/a.jpg?w=", "1", "z"),
    ("https://a.example/a.jpg?h=", "1.", "z"),
    ("https://a.example/a.jpg?size=", "x1,", "z"), ("https://a.example/", "-10x10", ".jpg"),
    ("https://a.example/", "w_1,", "/a.jpg"),
    ("https://a.example/transform/5c0fe0a1-e2f5-4f42-d1bb-1d1e00000001/a?", "io=", "#"),
    ("https://a.example", "/web/product/small/", "?"), ("https://a.example", "/attachment.php?attachmentid=1", ""),
    ("https://a.example/attachment.php?attachmentid=1&", "thumb=1", "#"), ("https://a.example/", "img-12x12", ""),
    ("https://cdn.filestackcontent.com/", "resize=w:1/", "?"), ("https://a.pstatic.net/a", ".jpg?type=", "?"),
    ("https://mmbiz.qpic.cn/a/a/", "640?", "\n"), ("https://wx1.sinaimg.cn/thumb", "1/", ""),
    ("https://a.imgix.net/a?w=1&", "s", ""),
    ("https://a.example/_next/image?", "url&", ""),
    ("https://i.pinimg.com/", "1x", "/a"),
    ("https://static.wixstatic.com/media/a/v1/", "fill/", ""), ("https://a.example/photos/", "0123456789abcdef/", ""),
    ("https://a.example", "/image/cache/a-300x300.jpg", "/x"), ("https://a.example", "/files/styles/a/public/a.jpg", "/x"),
    ("https://a.example", "/thumb/a/ab/a.jpg/1px-", "/x"), ("https://a.example", "/gallery/a/cache/a.jpg-nggid", "/"),
    ("https://a.example", "/thumbs/thumbs_", "/x"), ("https://a.example", "/thumbnail/aa/bb/cc/_300x300", "x"),
    ("https://a.example", "/cache/", "_cw1_ch1."), ("https://a.example/cache/", "_10_cw1_ch1", "?"),
    ("https://a.example/zp-core/i.php?", "a=x&i=", "#"), ("https://a.example/?", "x-oss-process=&", "\n"),
    ("https://a.example/", "a.jpg!", "/"), ("https://a.example/?image", "View2/", "\n"),
    ("https://a.example", "/albums/", "thumb_"), ("https://a.example", "/_data/i/upload/", "-th.j?"),
    ("https://a.example/i.php?/upload/", "a-th.", "?"), ("https://a.example/var", "/thumbs/", "?"),
    ("https://a.example", "/var/", "?"),
    ("https://ic.pics.livejournal.com/", "5_900", "/"), ("https://a.example/files/fullsize/", "0a", ".?"),
    ("https://a.example/", "a.jpg_60x60", "/"), ("https://a.example/wp-content/uploads/", "a.jpg?w=", "#"),
    ("https://freight.cargo.site", "/w/1/i", "x"), ("https://a.example/", ".coreimg.1.1.jpeg", "x"),
    ("https://a.example", "/-/media/?w", "x"), ("https://a.example", "/full/300,/0/default.", "x"),
    ("https://a.example", "/1,1,1,1/1,1/0/default.", ""), ("https://x.futurecdn.net/a", "-320-80.jpg", "x"),
    ("https://i.etsystatic.com", "/il_1x1", "/x"), ("https://ae01.alicdn.com/", "a.jpg_", "/"),
    ("https://wsrv.nl/?", "url=&", "#"), ("https://a.example", "/https%3A%2F%2Fa.jpg", "x"),
    ("https://a.example/thumb.php?w=1&", "src=/a.jpg", "x"), ("https://a.example/", "thumb", "/x?="),
    ("https://a.example/thumb.php?w=1&src=", "/a.jpg", "x"), ("https://lp2.hm.com/hmgoepprod?", "source%5B", ""),
    ("https://lp2.hm.com/hmgoepprod?source%5B", "ab.jpg", ""), ("https://a.example", "/resizer/ABCDEFGHIJKLMNOPQRSTUVWXYZ", ""),
    ("https://a.example/unsafe/", "1x1/", "x"), ("https://a.example/unsafe/", "a.a/", "x"),
    ("https://a.example/", "a/unsafe/", "x"),
    ("https://a.example/a/", "rs:1/", "x"), ("https://a.example/a/", "rs:1/plain/http:", "@x/"),
    ("https://a.example/a/rs:1/aHR0c", "a", "="), ("https://x.graphassets.com/", "resize=1/", "?"),
    ("https://x.sirv.com/a.jpg", "?w=1&", "x"), ("https://x.sirv.com/", "a.jpg", "?x"),
    ("https://a.example", "/dw/image/v2/a.jpg", "?x"),
    ("https://a.example/dw/image/v2/a.jpg?", "sw&", "x"), ("https://a.example", "/images/stencil/1x1", "x"),
    ("https://a.example/media/abcd/a.jpg?", "width=1&", "x"), ("https://a.example", "/media/abcd/a.jpg", "?x"),
    ("https://a.example/a", ".tmb-a", "x"), ("https://a.example/globalassets/", "a.jpg", "?x"),
    ("https://a.example", "/getmedia/01234567-0123-0123-0123-0123456789ab/a.jpg", "?x"),
    ("https://a.example/documents/", "a?", "imageThumbnail="), ("https://a.example/", "icon-sprite", "x"),
    ("https://photos.smugmug.com/", "Th/", "x-Th.jpg"), ("https://a.example", "/facebook", "x"),
    ("https://a.example/", "-1x1", ".jpg"), ("https://img", "1", ".a.example/a.jpg"),
    ("https://a.example", "/300/300", "/a.jpg"), ("https://a.example/", "a-300x300/", "a.jpg"),
    ("https://thb.tildacdn.com/tilda/-/", "a/", "x"), ("https://thb.tildacdn.com/tilda/-/", "a.jpg", "x"),
    ("https://stat.ameba.jp/user_images/", "t02200293_1", "/"), ("https://stat.ameba.jp/user_images/", "a?caw", ""),
    ("https://a.example", "/rails/active_storage/representations/a/a/", "x"), ("https://a.example/", "arquivos/ids/1", "x"),
    ("https://image.jimcdn.com/app/cms/image/transf/a/path/", "a/", "?"), ("https://a.example/", "w=1,", "/a.jpg"),
    ("https://a.example/", "w=", "/a.jpg"), ("https://x.tiendanube.com/stores/", "a-100-0.", "?"),
    ("https://a.example/", "@2x", ".jpg"), ("https://a.example/", "thumb_", ".jpg"), ("https://a.example/", "1", "x1.jpg"),
    ("https://a.example", "/internal/media/dispatcher/1", "/a/b"), ("https://a.example", "/files/large/0123456789abcdef", "x"),
    ("https://a.example", "/digital/api/singleitem/collection/a/id/1", "/thumb"), ("https://a.example", "/@@images/image", "/a?"),
    ("https://ids.si.edu/ids/deliveryService?", "id=a&max=", "#\n"),
    ("https://a.example", "/images/a.width-1.", "x"), ("https://a.example/", "a.jpg.1x1_q1", "x"),
    ("https://a.example", "/system/a/1/", "x"), ("https://a.example/media/cache/a/", "a.jpg/", "x"),
    ("https://a.example", "/_resampled/a1-", "?"), ("https://a.example", "/assets/a__FillW", "?"),
    ("https://a.example/assets/", "__FitWa", "?"), ("https://a.example", "/site/assets/files/1/a", ".1x1?"),
    ("https://a.example", "/media/pages/a/a-1", "?"), ("https://a.example/media/pages/a-1/", "a-1x1-crop", "?"),
    ("https://a.example/images/thumbs/0000123", "_11", "?"), ("https://a.example", "/uploads/a/a/1/thumb_", "?"),
    ("https://a.example/", "-thumb-1x1-1", "?"), ("https://a.example", "/system", "/a"),
    ("https://a.example", "/full/1,1/0/native.", "x"), ("https://lirp.cdn-website.com/", "a/opt/a-11w", "?"),
    ("https://a.example", "/images/thumbnails/1/detailed/", "?"), ("https://a.example/images/", "a.fill-a", "?"),
)  # fmt: skip


@pytest.mark.parametrize(("start", "piece", "end"), ADDRESSES, ids=[f"{one[0]}{one[1]}" for one in ADDRESSES])
def test_an_address_is_compared_with_the_sites_rules_once(start: str, piece: str, end: str) -> None:
    """77 characters took 4.5 s and doubled with each two more; 40,000 took seconds and four times that for twice as many."""
    url = start + piece * (200_000 // len(piece)) + end

    assert cpu(lambda: ranked(url)) < BOUND
    assert cpu(lambda: family(url)) < BOUND


def test_rules_still_know_their_variants() -> None:
    """The rewritten patterns give the originals that they gave."""
    host = "https://m.media-amazon.com/images/I/"
    for variant, original in (
        ("https://cdn.sanity.io/images/p/d/a.jpg?w=300&h=200&fit=crop", "https://cdn.sanity.io/images/p/d/a.jpg"),
        ("https://images.unsplash.com/photo-1?w=300&", "https://images.unsplash.com/photo-1"),
        ("https://a.example/x/wp-content/uploads/2019/01/a-1-300x200.jpg?x=1", "https://a.example/x/wp-content/uploads/2019/01/a-1.jpg"),
        ("https://a.example/wp-content/uploads/a-scaled.jpg", "https://a.example/wp-content/uploads/a.jpg"),
        ("https://i2.wp.com/a.example/b/c.jpg?w=3", "https://a.example/b/c.jpg"),
        ("https://a.example/cdn-cgi/image/width=80,quality=75/b/c.jpg", "https://a.example/b/c.jpg"),
        ("https://cdn.shopify.com/s/files/1/a_200x_crop_center@2x.jpg?v=7", "https://cdn.shopify.com/s/files/1/a.jpg?v=7"),
        ("https://a.example/image/upload/w_1%2Ch_2/f_auto/v12/a.jpg", "https://a.example/image/upload/v12/a.jpg"),
        (f"{host}71a._AC_SX679_.jpg", f"{host}71a.jpg"),
    ):  # fmt: skip
        assert ranked(variant)[0] == original


@pytest.mark.parametrize(
    "body",
    [
        b"<meta http-equiv=refresh content='0" + b" " * 200_000 + b"x'>",
        b"<meta http-equiv=refresh content='0;url=" + b" " * 200_000 + b"'>",
        b"<script>a = 'x'; b = ['.jpg'];" + b"a=b[i]+'" * 30_000 + b"</script>",
        b"<script>a = '<img>';" + b"a+=a+(a+" * 30_000 + b"</script>",
        b"<script>function f(a){" + b"open('/x.php?a='+a+" * 30_000 + b"</script><a onclick=f(1)>",
        b"<script>" + b"function f(a){open('/x.php?'+a+a" * 5_000 + b"</script>" + b"<a onclick=f(1)>" * 5_000,
        b"<script>img;" + b"__NUXT__=function(" * 20_000 + b"</script>",
        b"<script>img;" + b"new SlidePhotoSlide" * 20_000 + b"</script>",
        b"<img data-x='" + b"a.jpg" * 40_000 + b" 1w" * 20_000 + b"w'>",
        b"<img data-x='" + b" " * 200_000 + b"w'>",
        b"<img data-interchange='" + b"[/a.jpg, " * 20_000 + b"'>",
    ],
    ids=[
        "refresh",
        "refresh to nowhere",
        "sums",
        "sums of sums",
        "popups",
        "functions",
        "nuxt",
        "slides",
        "sets",
        "gaps",
        "interchange",
    ],
)
def test_an_attribute_and_a_script_are_read_once(body: bytes) -> None:
    """Two hundred thousand spaces in a meta refresh, and of beginnings of Nuxt's function."""
    assert cpu(lambda: parse_html(body, URL)) < BOUND


@pytest.mark.parametrize(
    "piece",
    [
        "/download/file.php?",
        "?action=dlattach;",
        "/attachments/a-",
        "//sp.analytics",
        "/size-",
        "/logo-a",
        "img236x341/",
    ],
)
def test_an_address_is_compared_with_what_is_no_photo_once(piece: str) -> None:
    """A link and an image whose address says the same again and again cost as much as any of their length."""
    address = "http://a.example/" + piece * 100_000
    assert cpu(lambda: parse_html(f'<a href="{address}"><img src="{address}"></a>'.encode(), URL)) < BOUND


def test_a_meta_refresh_is_followed() -> None:
    """With spaces wherever there may be some, and in quotes."""
    found = parse_html(b"<meta http-equiv=refresh content='0 ; URL = \"/b/c\"'>", URL)

    assert found.links == ("http://a.example/b/c",)


def test_no_pattern_repeats_a_group_possessively() -> None:
    """`(...)*+` fails where it should match before Python 3.11.5 (python/cpython#106052); `(?>(...)*)` says the same."""
    odd = re.compile(r"(?<![\\(])\)(?:[*+?]|\{[\d,]+\})\+")
    found = [
        f"{path.name}:{number}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if odd.search(line)
    ]

    assert odd.search(r"(?:a|b)*+")
    assert not found


@pytest.mark.parametrize(
    "piece", ["function a(b){", "a=(b)=>{", "'+n+'", "a('", "function a(n){'x'+n+'.jpg'}", "(" * 9], ids=range(6)
)
def test_functions_are_read_once(piece: str) -> None:
    """Functions upon functions, and calls upon calls, cost as much as any script of their length."""
    script = f"function z(n){{'/x/'+n}} '.jpg' + {piece * 5_000}"
    body = f"<script>{script}</script>" + f'<a onclick="{piece * 50}" href="{"z(" * 300}">' * 100
    assert cpu(lambda: parse_html(body.encode(), URL)) < BOUND
