"""What pages do in other languages, on older scripts' terms and on hosts of their own: next parts, marks, sizes, other goods."""

from __future__ import annotations

import pytest

from deepstyle.scraper.beside import heads_others
from deepstyle.scraper.marks import unwanted
from deepstyle.scraper.pages import parse_feed, parse_html
from deepstyle.scraper.sites import ranked

URL = "http://a.example/shows/fall"


def seen(markup: str) -> list[str]:
    """The best URLs of a page's pictures, without their host."""
    found = parse_html(f"<html><body>{markup}</body></html>".encode(), URL).listings
    return [one.image_url.removeprefix("http://a.example") for one in found]


@pytest.mark.parametrize(
    "words",
    ["Вперёд", "Показать ещё", "Следующая страница →", "次の記事", "もっと見る", "下一頁", "加载更多", "다음", "더보기", "التالي",
     "رسائل أقدم", "הבא", "sonraki", "następna strona", "próxima página", "en voir plus", "►", "▶\ufe0e", "Next -->", "weiter =>",
     "ถัดไป", "trang tiếp"],
)  # fmt: skip
def test_the_next_part_is_known_by_its_words_in_many_languages(words: str) -> None:
    """What a link says of the next part, or the arrow that it shows."""
    assert parse_html(f'<a href="/b/c">{words}</a>'.encode(), URL, charset="utf-8").next_links == (
        "http://a.example/b/c",
    )


@pytest.mark.parametrize(
    "link",
    [
        '<a class="page-numbers next" href="/b">...</a>', '<a class="blog-pager-older-link" href="/b">Zurueck</a>',
        '<a class="pagination__next" href="/b"><svg></svg></a>', '<a href="/b"><img src="images/btn_next.gif"></a>',
        '<a href="/shows/fall/page2"><i class="arrow"></i></a>', '<a href="?PAGEN_1=2">2</a>', '<a href="?currentPage=2">2</a>',
    ],
)  # fmt: skip
def test_the_next_part_is_known_without_words(link: str) -> None:
    """By the link's class, by the file of its arrow, by the number in its address."""
    assert len(parse_html(link.encode(), URL).next_links) == 1


@pytest.mark.parametrize(
    "link",
    [
        '<a class="slick-next" href="/b">the show</a>', '<a href="?per_page=2">2</a>',
        '<a href="/b"><img src="images/next-to-nothing-dress.jpg"></a>',
    ],
)  # fmt: skip
def test_an_arrow_of_a_slider_is_no_next_part(link: str) -> None:
    """Nor is how much a page shows, or a photo whose name begins as an arrow's does."""
    assert parse_html(link.encode(), URL).next_links == ()


@pytest.mark.parametrize(
    "heading",
    ["Most viewed", "Most read in Fashion", "Trending now", "Meistgelesen", "Les plus lus", "Самое читаемое", "人気記事",
     "このブログの人気記事", "この商品を見た人はこんな商品も見ています", "8 autres produits dans la même catégorie :",
     "16 other products in the same category:",
     "4 andere Artikel in der gleichen Kategorie", "16 otros productos en la misma categoría"],
)  # fmt: skip
def test_what_others_read_and_bought_is_beside_the_page(heading: str) -> None:
    """Lists of what is read most, and PrestaShop's words for goods of the same kind."""
    assert heads_others(heading)


@pytest.mark.parametrize(
    "address",
    [
        "//a.example/image.php?u=5&dateline=1300", "//a.example/images/ranks/gold.gif", "//a.example/com/home/logo/ichiba.png",
        "//hips.hearstapps.com/rover/profile_photos/aa.jpg", "//trustseal.x.example/logo.aspx?id=1", "//a.example/wordmark.png",
        "//styles.redditmedia.com/t5_3/profileIcon_x.jpg", "//img1.doubanio.com/icon/u7-1.jpg", "//a.example/img/noise.png",
        "//m.example/accounts/headers/0/original/h.jpeg", "//a.example/users/u12/profile.jpg",
        "//a.example/visa-klarna-paypal.png", "//a.example/usp/van.png", "//a.example/free-shipping.png",
        "//a.example/badge-new.png", "//a.example/i/sepa.png", "//a.example/smile/heart.gif", "//a.example/new.gif",
        "//storep-phinf.pstatic.net/ogq_1/original_3.png", "//a.example/img/selo-site-seguro.png", "//a.example/img/title.gif",
    ],
)  # fmt: skip
def test_marks_are_known_by_their_addresses(address: str) -> None:
    """Faces and ranks of a forum, folders of logos, seals, stickers."""
    assert unwanted(f"http:{address}")


def test_a_chip_that_is_made_of_a_whole_photo_is_one() -> None:
    """A shop's other colours stand as tiny sizes of whole photos: the photo is asked for."""
    assert seen('<a href="#" style="background:url(//gd3.alicdn.com/i3/c_!!1.jpg_30x30.jpg)"></a>') == [
        "http://gd3.alicdn.com/i3/c_!!1.jpg"
    ]


@pytest.mark.parametrize(
    "markup",
    [
        '<amp-ad width="300" height="250"><amp-img src="/2.jpg"></amp-img></amp-ad>',
        '<amp-next-page><script type="application/json">[{"image": "/2.jpg", "url": "/b"}]</script></amp-next-page>',
        '<img class="se-sticker-image" src="/2.jpg">',
        '<div class="author-headshot"><img src="/2.jpg"></div>', '<div class="block-testimonial-image"><img src="/2.jpg"></div>',
        '<x-img class="avatar" src="/2.jpg"></x-img>', '<img alt="Ana\'s avatar" src="/2.jpg">',
        '<div class="p-recommend"><a href="/b"><img src="/2.jpg"></a></div>',
        '<div id="header-inner"><a href="/"><img src="/2.jpg" width="900"></a></div>',
        '<a href="http://online.gov.vn/1"><img src="/2.jpg"></a>',
    ],
)  # fmt: skip
def test_advertisements_stickers_and_heads_are_no_photos(markup: str) -> None:
    """AMP's advertisements and next pages, a blog's stickers, its author, the picture at its head."""
    assert seen(f'{markup}<img src="/1.jpg">') == ["/1.jpg"]


@pytest.mark.parametrize(
    ("variant", "original"),
    [
        ("https://thb.tildacdn.com/tild35-aa/-/resize/20x/a.jpg", "https://static.tildacdn.com/tild35-aa/a.jpg"),
        ("https://optim.tildacdn.pub/tild35-aa/-/format/webp/a.jpg.webp", "https://static.tildacdn.pub/tild35-aa/a.jpg"),
        ("https://stat.ameba.jp/user_images/2/j/o108014401.jpg?caw=800", "https://stat.ameba.jp/user_images/2/j/o108014401.jpg"),
        ("https://stat.ameba.jp/user_images/2/t02200293_108014400012.jpg", "https://stat.ameba.jp/user_images/2/o108014400012.jpg"),
        ("https://image.jimcdn.com/app/cms/image/transf/dimension=300x300:mode=crop/path/s0/image/i9/version/1/image.jpg",
         "https://image.jimcdn.com/app/cms/image/transf/none/path/s0/image/i9/version/1/image.jpg"),
        ("https://i.imgur.com/q1W2e3Rh.jpg", "https://i.imgur.com/q1W2e3R.jpg"),
        ("https://img1.doubanio.com/view/photo/m/public/p5.webp", "https://img1.doubanio.com/view/photo/l/public/p5.webp"),
        ("https://acdn-us.mitiendanube.com/stores/1/a-bb-480-0.webp", "https://acdn-us.mitiendanube.com/stores/1/a-bb-1024-1024.webp"),
        ("https://imglf4.lf127.net/img/a.jpg?imageView&thumbnail=500x0", "https://imglf4.lf127.net/img/a.jpg"),
        ("https://r.example/rails/active_storage/representations/proxy/eyJ--a/eyK--b/a.jpg",
         "https://r.example/rails/active_storage/blobs/proxy/eyJ--a/a.jpg"),
    ],
)  # fmt: skip
def test_an_original_is_known_by_the_address_of_a_size(variant: str, original: str) -> None:
    """Tilda's and Ameba's hosts, and the sizes that Rails makes of what was uploaded."""
    assert ranked(variant)[0] == original


def test_a_shop_has_its_photo_on_several_hosts() -> None:
    """VTEX gives the number of a photo, and its name where that is written, on any of a shop's hosts."""
    first, second = (
        "https://x.vtexassets.com/arquivos/ids/18-800-auto",
        "https://x.vteximg.com.br/arquivos/ids/18/front.jpg",
    )
    assert len(seen(f'<img src="{first}"><img src="{second}">')) == 1


PICTUREFILL = (
    '<div data-picture><span data-src="/i/s/1.jpg"></span><span data-src="/i/b/1.jpg" data-media="(min-width: 800px)"></span>'
    '<noscript><img src="/i/s/1.jpg"></noscript></div>'
)
NOTE = (
    '{"imageList": [{"width": 9, "height": 9, "url": ""}, {"width": 900, "height": 1200, "urlPre": "//x.example/1!prv", '
    '"urlDefault": "//x.example/2!mw"}]}'
)
SET = "//lp2.x.example/p?set=source[/cc/{0}.jpg],res[{1}]&call=url[file:/product/{2}]"
SLIDE = "slides[{0}] = new Slide('/s/{0}h_426x639.jpg', '/s/{0}h_1280x1920.jpg', 'Look {0}');"

# name, markup, the photos that a person sees (their best URLs), nothing else
PAGES: list[tuple[str, str, list[str]]] = [
    ("Interchange", ('<img data-interchange="[/s/1.jpg, (default)], [/l/1.jpg, (large)]"><div data-interchange="[/s/2.jpg, s], '
     '[/l/2.jpg, large]"></div>'), ["/l/1.jpg", "/l/2.jpg"]),
    ("Picturefill before there was picture", PICTUREFILL, ["/i/b/1.jpg"]),
    ("a link's own set", '<a href="/m.jpg" data-pswp-srcset="/f.jpg 1600w, /m.jpg 600w"><img src="/t.jpg"></a>', ["/f.jpg"]),
    ("a heading that was drawn", '<img src="/testata.gif" width="760" height="90"><img src="/1.jpg" width="400" height="90">',
     ["/1.jpg"]),
    ("a logo that is called as its host is", ('<img src="http://atelier-rosa.example/i/logo-rosa.png">'
     '<img src="http://cdn.b.test/i/logo-example.png">'
     '<img src="/i/logo-hoodie.png">'), ["/i/logo-hoodie.png"]),
    ("a file that was called a logo", ('<b data-info=\'{"uri": "/a1b2.png", "name": "logo.png"}\'></b><b data-info=\'{"uri": '
     '"/c3d4.png", "name": "coat.png"}\'></b>'), ["/c3d4.png"]),
    ("objects that are made of addresses", f"<script>{SLIDE.format(1)}{SLIDE.format(2)}</script>",
     ["/s/1h_1280x1920.jpg", "/s/2h_1280x1920.jpg"]),
    ("files that have no name but a size", '<img src="/p/7/200x.webp"><img src="/p/7/original.jpg"><img src="/p/8/101.jpg">',
     ["/p/7/original.jpg", "/p/8/101.jpg"]),
    ("a folder of options", '<img src="/i/w=64,q=75,/1.jpg"><img src="/i/w=900,q=75,/1.jpg"><img src="/i/c=2/1.jpg">',
     ["/i/w=900,q=75,/1.jpg", "/i/c=2/1.jpg"]),
    ("a link by a script", '<a href="javascript:;" data-href="/f/1.jpg"><img src="/t9/1a.jpg"></a>', ["/f/1.jpg"]),
    ("a background for old browsers", ("<style>p{background:url(/1.jpg);background:-webkit-image-set(url(/1.jpg) 1x, "
     "url(/2.jpg) 2x)}</style>"), ["/2.jpg"]),
    ("a gallery's list in XML", '<gallery><image imageURL="/f/1.jpg" thumbURL="/thumbs/1.jpg"></image></gallery>', ["/f/1.jpg"]),
    ("names that are widths", ('<img data-src="/7/1200.jpg" data-srcset="/7/1200.jpg 1200w, /7/2400.jpg 2400w">'
     '<img src="/7/120.jpg">'
     '<img src="/8/120.jpg"><img src="/f/1.jpg"><img src="/f/2.jpg">'), ["/7/2400.jpg", "/8/120.jpg", "/f/1.jpg", "/f/2.jpg"]),
    ("the same two widths", '<img src="/a_60.jpg"><img src="/a_500.jpg"><img src="/b_60.jpg"><img src="/b_500.jpg">',
     ["/a_500.jpg", "/b_500.jpg"]),
    ("two numbers", '<img src="/dress-120.jpg"><img src="/dress-450.jpg">', ["/dress-120.jpg", "/dress-450.jpg"]),
    ("sets in any attribute", '<img src="/s/1a.jpg" data-set="/s/1a.jpg 400w, /s/1b.jpg 1600w" data-t="of 42w">', ["/s/1b.jpg"]),
    ("sizes by screens", '<div data-desktop="/1-d.jpg" data-mobile="/1-m.jpg"></div><div data-asset-src="/2.jpg"></div>',
     ["/1-d.jpg", "/2.jpg"]),
    ("keys with a size within", """<script>x = {"photo_url": "/1.jpg", "photo_thumb_url": "/1_x.jpg"}</script>""", ["/1.jpg"]),
    ("keys that begin with url", f"<script>x = {NOTE}</script>", ["http://x.example/2!mw"]),
    ("addresses that ask by a file's name", "<script>x = {i: [{'image': d ? '" + SET.format("1", "m", "main") + "' : '"
     + SET.format("1", "s", "main") + "', 'fullscreen': d ? '" + SET.format("1", "z", "full") + "' : ''}]}</script>",
     ["http://lp2.x.example/p?set=source%5B/cc/1.jpg%5D,res%5Bz%5D&call=url%5Bfile:/product/full%5D"]),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "wanted"), [case[1:] for case in PAGES], ids=[case[0] for case in PAGES])
def test_a_page_gives_what_a_person_sees(markup: str, wanted: list[str]) -> None:
    """Each habit lists each photo once, with its best URL, and nothing else."""
    assert seen(markup) == wanted


def test_a_feed_lists_a_photo_and_its_thumbnail_once() -> None:
    """The thumbnail beside an entry is the photo in its text, and the entry is the page of it."""
    photo = "https://1.bp.blogspot.com/-a/X/A/b/{}/1.jpg"
    feed = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/"><entry><link href="/1"/>'
        f'<content type="html">&lt;img src="{photo.format("s320")}"&gt;</content><media:thumbnail url="{photo.format("s72-c")}"/>'
        "</entry></feed>"
    )
    (one,) = parse_feed(feed.encode(), URL).listings

    assert (one.image_url, one.page_url) == (photo.format("s0"), "http://a.example/1")
