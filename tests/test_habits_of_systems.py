"""What shop and content systems, news sites, museums and galleries' scripts do: each photo once, at its best size."""

from __future__ import annotations

import pytest
from test_habits_of_hosts import assert_listed_once

from deepstyle.scraper.families import family
from deepstyle.scraper.marks import unwanted
from deepstyle.scraper.pages import parse_html
from deepstyle.scraper.sites import ranked

UUID = "5c0fe0a1-e2f5-4f42-d1bb-1d1e00000001"
ARC = "ABCDEFGHIJKLMNOPQRSTUVWXY2.jpg"
HM = "lp2.hm.com/hmgoepprod?set=quality%5B79%5D,source%5B{}1a2b3c4d.jpg%5D,res%5B{}%5D&call=url%5Bfile:/product/{}%5D"
HM_MAIN = HM.format("/1/", "m", "main")
STYLES = "b.example/sites/default/files"

# addresses of one photo without https://, the one that is asked for first
SIZES: list[tuple[str, list[str]]] = [
    ("b.example/image/catalog/d/1.jpg", ["b.example/image/cache/catalog/d/1-500x500.jpg",
     "b.example/image/cache/catalog/d/1-74x74.jpg"]),
    (f"{STYLES}/2024-01/1.jpg", [f"{STYLES}/styles/max_650x650/public/2024-01/1.jpg.webp?itok=a",
     f"{STYLES}/styles/og/public/2024-01/1.jpg?itok=b"]),
    ("m.example/commons/a/ab/1.jpg", ["m.example/commons/thumb/a/ab/1.jpg/120px-1.jpg",
     "m.example/commons/thumb/a/ab/1.jpg/240px-1.jpg"]),
    ("b.example/gallery/f/1.jpg", ["b.example/gallery/f/cache/1.jpg-nggid01-ngg0dyn-320x240x100-00f0w0.jpg",
     "b.example/gallery/f/thumbs/thumbs_1.jpg"]),
    ("b.example/media/aa/bb/cc/16/1.jpg", ["b.example/thumbnail/aa/bb/cc/16/1_400x400.jpg?ts=2",
     "b.example/thumbnail/aa/bb/cc/16/1_1920x1920.jpg?ts=2"]),
    ("freight.cargo.site/t/original/i/7a/1.jpg", ["freight.cargo.site/w/2000/i/7a/1.jpg",
     "freight.cargo.site/w/500/q/75/i/7a/1.jpg"]),
    ("b.example/_jcr_content/image.coreimg.jpeg/16/1.jpeg", ["b.example/_jcr_content/image.coreimg.60.320.jpeg/16/1.jpeg",
     "b.example/_jcr_content/image.coreimg.1600.jpeg/16/1.jpeg"]),
    ("b.example/-/media/looks/1.jpg", ["b.example/-/media/looks/1.jpg?h=600&iar=0&w=400&hash=A",
     "b.example/-/media/looks/1.jpg?mw=1600&hash=B"]),
    ("b.example/~/media/1.ashx", ["b.example/~/media/1.ashx?w=500&h=700&as=1", "b.example/~/media/1.ashx?w=1000&h=1400&as=1"]),
    ("i.example/iiif/2/o/full/max/0/default.jpg", ["i.example/iiif/2/o/full/400,/0/default.jpg",
     "i.example/iiif/2/o/square/!150,150/0/default.jpg",
     "i.example/iiif/2/o/full/full/0/default.jpg"]),
    ("m.example/f/1.jpg",
     ["api.europeana.eu/thumbnail/v2/url.json?uri=https%3A%2F%2Fm.example%2Ff%2F1.jpg&type=IMAGE&size=w200"]),
    ("images.metmuseum.org/CRDImages/ci/original/1.jpg", ["images.metmuseum.org/CRDImages/ci/web-large/1.jpg",
     "images.metmuseum.org/CRDImages/ci/mobile-large/1.jpg"]),
    ("cdn.mos.cms.futurecdn.net/aB1.jpg", ["cdn.mos.cms.futurecdn.net/aB1-320-80.jpg",
     "cdn.mos.cms.futurecdn.net/aB1-1200-80.jpg.webp"]),
    ("ichef.bbci.co.uk/news/1536/cpsprodpb/C/1.jpg", ["ichef.bbci.co.uk/news/240/cpsprodpb/C/1.jpg",
     "ichef.bbci.co.uk/news/1024/branded_news/C/1.jpg"]),
    ("ichef.bbci.co.uk/ace/standard/2048/cpsprodpb/1.jpg", ["ichef.bbci.co.uk/ace/standard/240/cpsprodpb/1.jpg"]),
    ("i.ebayimg.com/images/g/a/s-l1600.jpg", ["i.ebayimg.com/images/g/a/s-l140.jpg",
     "i.ebayimg.com/thumbs/images/g/a/s-l225.jpg"]),
    ("i.etsystatic.com/1/r/il/a/2/il_fullxfull.2_b.jpg", ["i.etsystatic.com/1/r/il/a/2/il_794xN.2_b.jpg",
     "i.etsystatic.com/1/r/il/a/2/il_75x75.2_b.jpg"]),
    ("hips.hearstapps.com/hmg-prod/images/1.jpg", ["hips.hearstapps.com/hmg-prod/images/1.jpg?resize=480:*",
     "hips.hearstapps.com/hmg-prod/images/1.jpg?crop=1.00xw:0.5xh;0,0.05xh&resize=1200:*"]),
    ("m.example/2.jpg?resize=980:*", ["m.example/2.jpg?resize=480:*"]),
    ("cdn.myportfolio.com/a/b_rw_3840.jpg?h=a", ["cdn.myportfolio.com/a/b_rwc_0x0x2000x1333x2000.jpg?h=b",
     "cdn.myportfolio.com/a/b_carw_2x3x640.jpg?h=c"]),
    ("ae01.alicdn.com/kf/S1.jpg", ["ae01.alicdn.com/kf/S1.jpg_50x50.jpg", "ae01.alicdn.com/kf/S1.jpg_640x640.jpg_.webp"]),
    ("m.example/c.jpg", ["images.weserv.nl/?url=m.example/c.jpg&w=300", "wsrv.nl/?w=30&url=https://m.example/c.jpg"]),
    ("m.example/d.jpg", ["m.example/.netlify/images?url=%2Fd.jpg&w=800&q=75"]),
    ("m.example/e.jpg", ["m.example/timthumb.php?src=/e.jpg&w=200&h=300&zc=1",
     "x.example/img/resize?width=80&url=https%3A%2F%2Fm.example%2Fe.jpg"]),
    ("m.example/f.jpg", ["cdn.example/https%3A%2F%2Fm.example%2Ff.jpg?q=75&w=800"]),
    ("static01.nyt.com/images/1-superJumbo.jpg", ["static01.nyt.com/images/1-facebookJumbo.jpg",
     "static01.nyt.com/images/1-thumbStandard.jpg?q=75"]),
    (f"cloudfront.images.arcpublishing.com/b/{ARC}", [f"b.example/resizer/v2/{ARC}?auth=a&width=1440",
     f"b.example/resizer/ab=/800x0/x/b/{ARC}"]),
    ("images1.vinted.net/t/0_a/f800/1.jpeg?s=a", ["images1.vinted.net/t/0_a/310x430/1.jpeg?s=b"]),
    (HM.format("/1a/2b/", "m", "main"), [HM.format("%2F1a%2F2b%2F", "s", "style")]),
    ("m.example/i/1000/1000/6/1.jpg", ["m.example/i/94/94/6/1.jpg"]),
    ("m.example/style/Gray_0_0_2400x2400/1/1.jpg", ["m.example/style/Gray_0_0_240x240/1/1.jpg"]),
    ("m.example/medias/1200x1200-1.jpg?context=a", ["m.example/medias/96x96-1.jpg?context=b"]),
    ("m.example/1@2x.jpg", ["m.example/1.jpg"]),
    ("m.example/1_600x600@2x.jpg", ["m.example/1_600x600.jpg", "m.example/1_300x300.jpg"]),
    ("b.cdn.example/1.jpg?brightness=1&width=900&quality=75&bg=f2",
     ["b.cdn.example/1.jpg?brightness=1&width=300&quality=75&bg=f2"]),
    ("m.example/zoom/1.jpg", ["m.example/thumb/1.jpg"]),
    ("m.example/1_zoom.jpg", ["m.example/1_main.jpg", "m.example/1_thumb.jpg"]),
    ("m.example/1_full.jpg", ["m.example/1_big.jpg", "m.example/1_normal.jpg"]),
    ("s.vtexassets.com/arquivos/ids/155390?v=637", ["s.vtexassets.com/arquivos/ids/155390-800-auto?v=637&width=800&aspect=true"]),
    ("s.vteximg.com.br/arquivos/ids/1/a.jpg", ["s.vteximg.com.br/arquivos/ids/1-500-500/a.jpg"]),
    ("images.contentstack.io/v3/assets/b/c/d/1.jpg", ["images.contentstack.io/v3/assets/b/c/d/1.jpg?width=800&disable=upscale"]),
    ("m.example/assets/1f2e3d4c-0000-4000-8000-111122223333", ["m.example/assets/1f2e3d4c-0000-4000-8000-111122223333?key=card"]),
    ("m.example/u/1.jpg", ["m.example/u/_600x900_crop_center-center_82_none/1.jpg?mtime=1",
     "m.example/u/_600xAUTO_fit_center-center_none/7/1.jpg"]),
    ("m.example/1_a?$pdp-main$", ["m.example/1_a?$pdp-thumb$"]),
    ("m.example/l/1.jpg", ["m.example/s/1.jpg", "m.example/t/1.jpg"]),
    ("m.example/1-large.jpg", ["m.example/1.jpg?size=m", "m.example/1.jpg?size=s"]),
    ("framerusercontent.com/images/a.jpg", ["framerusercontent.com/images/a.jpg?scale-down-to=512&width=2000&height=3000"]),
    ("imagedelivery.net/a/b/w=9999", ["imagedelivery.net/a/b/w=400,h=600"]),
    (f"a.bynder.com/transform/{UUID}/look-1", [f"a.bynder.com/transform/{UUID}/look-1?io=transform:fill,width:600&format=webp"]),
    ("m.example/web/product/big/202401/1.jpg", ["m.example/web/product/medium/202401/1.jpg"]),
    ("m.example/web/product/extra/big/202401/1.jpg", ["m.example/web/product/extra/small/202401/1.jpg?ts=1"]),
    ("m.example/attachment.php?attachmentid=12", ["m.example/attachment.php?attachmentid=12&stc=1&thumb=1&d=13"]),
    ("shop-phinf.pstatic.net/2/1_ab.jpg", ["shop-phinf.pstatic.net/2/1_ab.jpg?type=f40",
     "shop-phinf.pstatic.net/2/1_ab.jpg?type=m510"]),
    ("cdn.filestackcontent.com/AbCdEf1GhIjKlMn",
     ["cdn.filestackcontent.com/resize=width:400,fit:max/output=format:webp/AbCdEf1GhIjKlMn"]),
    ("image.rakuten.co.jp/b/cabinet/1.jpg", ["thumbnail.image.rakuten.co.jp/@0_mall/b/cabinet/1.jpg?_ex=128x128"]),
    ("mmbiz.qpic.cn/mmbiz_jpg/aB1/0?wx_fmt=jpeg", ["mmbiz.qpic.cn/mmbiz_jpg/aB1/640?wx_fmt=jpeg"]),
    ("wx1.sinaimg.cn/large/1.jpg", ["wx1.sinaimg.cn/orj360/1.jpg", "wx1.sinaimg.cn/bmiddle/1.jpg"]),
    ("m.example/c.jpg?imwidth=5000", ["m.example/c.jpg?imwidth=762", "m.example/c.jpg?imwidth=156&filter=packshot"]),
    ("m.example/img600x866/M/1.jpg", ["m.example/img236x341/M/1.jpg"]),
    ("a.bynder.com/m/1a2b/original/look-1.jpg", ["a.bynder.com/m/1a2b/webimage-look-1.jpg"]),
    ("m.example/1.jpg", ["m.example/1.jpg?im=Resize,width=640"]),
    ("m.example/1.jpg?a=1&imwidth=5000", ["m.example/1.jpg?a=1&imwidth=320"]),
    ("m.example/1.jpeg", ["m.example/thumb_1.jpg", "m.example/1-300x200.webp", "m.example/1-300x200.jpg.webp"]),
]  # fmt: skip


@pytest.mark.parametrize(("best", "others"), SIZES, ids=[best[:30] for best, _ in SIZES])
def test_the_sizes_of_one_photo_are_one_photo(best: str, others: list[str]) -> None:
    """Whatever sizes a page shows of it, it is listed once, its best address first and what the page wrote behind."""
    assert_listed_once(best, others)


@pytest.mark.parametrize(
    "urls",
    ["m.example/12/12/1.jpg m.example/13/13/1.jpg", "m.example/2020/2020/1.jpg m.example/2021/2021/1.jpg",
     "m.example/full_moon.jpg m.example/moon.jpg", "m.example/1.jpg m.example/1.png", "m.example/s1.jpg m.example/s2.jpg",
     "m.example/view.php?src=/1.jpg m.example/view.php?src=/2.jpg", "m.example/a-12x12/1.jpg m.example/1.jpg",
     "i.example/iiif/2/o/full/max/0/default.jpg i.example/iiif/2/p/full/max/0/default.jpg",
     "m.example/files/styles/1.jpg m.example/files/1.jpg", "m.example/d_main.jpg m.example/d.jpg",
     HM.format("/1/", "m", "main") + " " + HM.format("/1/", "m",
      "main").replace("1a2b", "9a2b")],
)  # fmt: skip
def test_two_photos_stay_two(urls: str) -> None:
    """What a rule might take for sizes, and is a day, a season, a name or another photo."""
    first, second = (f"https://{one}" for one in urls.split())
    assert family(first)[0] != family(second)[0]


def test_a_tile_of_a_deep_zoom_stands_for_its_photo() -> None:
    """A region of an IIIF image leads to the whole, at the address of either version of the standard, then to itself."""
    tile = "https://i.example/iiif/2/o/1024,0,512,512/512,/0/default.jpg"
    start = "https://i.example/iiif/2/o/full"
    assert ranked(tile) == (f"{start}/max/0/default.jpg", f"{start}/full/0/default.jpg", tile)


def test_what_may_be_a_photo_is_asked_for() -> None:
    """A PNG called pixel or blank may be large, and is asked for; spacers, sprites and what says that it loads are not."""
    host = "https://m.example/i/"
    assert [unwanted(host + name) for name in ("pixel.png", "blank.png", "clear.png")] == [False] * 3
    assert all(unwanted(host + name) for name in ("pixel.gif", "spacer.png", "sprite.png", "loading.gif", "1x1.png"))


@pytest.mark.parametrize(("markup", "wanted"), [
    ('<figure><img src="/large.jpg"><figcaption>1912 <a href="/o.tif.jpg">Download full size</a></figcaption></figure>',
     ["/o.tif.jpg"]),
    ('<meta property="og:image" content="/a.jpg"><figure><img src="/a.jpg"><a href="/b.jpg">View larger image</a></figure>',
     ["/b.jpg"]),
    ('<figure><img src="/a.jpg"><a href="/b.jpg">The back view</a></figure>', ["/a.jpg", "/b.jpg"]),
    ('<figure><img src="/a.jpg"><img src="/c.jpg"><a href="/b.jpg">Enlarge</a></figure>', ["/a.jpg", "/c.jpg", "/b.jpg"]),
    ('<div><img src="/a.jpg"><a href="/b.jpg">Enlarge</a></div>', ["/a.jpg", "/b.jpg"]),
    ('<figure><a href="/look/1"><img src="/a.jpg"></a><a href="/b.jpg">Enlarge</a></figure>', ["/a.jpg", "/b.jpg"]),
])  # fmt: skip
def test_the_words_under_a_figure_lead_to_its_photo(markup: str, wanted: list[str]) -> None:
    """A figure's only image and the file that its words call larger are one photo; another link or image is one of its own."""
    found = parse_html(markup.encode(), "http://a.example/").listings

    assert [one.image_url.removeprefix("http://a.example") for one in found] == wanted


def test_a_shops_old_and_new_host_have_one_photo() -> None:
    """Naver's state still names the host that its pages have left."""
    old, new = "http://shop1.phinf.naver.net/2023/a/1.jpg", "https://shop-phinf.pstatic.net/2023/a/1.jpg?type=m510"
    assert family(old)[0] == family(new)[0]
