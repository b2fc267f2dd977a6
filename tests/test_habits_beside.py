"""What stands beside a page's own photos, and photos that functions open: other goods, marks, cards for networks, popups."""

from __future__ import annotations

import json

import pytest

from deepstyle.scraper.beside import heads_others
from deepstyle.scraper.marks import unwanted
from deepstyle.scraper.pages import parse_html
from deepstyle.scraper.sites import ranked

URL = "http://a.example/shows/fall"
GOODS = '<div class="grid"><a href="/p/2"><img src="/2.jpg"></a></div>'
OWN = '<img src="/1.jpg">'
STATE = json.dumps({"Product.images.0": {"imageUrl": "/1.jpg"}, "Product.images.1": {"imageUrl": "/3.jpg"}})
VTEX = "https://x.vtexassets.com/arquivos/ids"
CARGO = "https://freight.cargo.site/t/original/i"


def seen(markup: str) -> list[str]:
    """The best URLs of a page's pictures, without their host."""
    found = parse_html(f"<html><body>{markup}</body></html>".encode(), URL).listings
    return [one.image_url.removeprefix("http://a.example") for one in found]


@pytest.mark.parametrize(
    "others",
    [
        f'<section class="related products">{GOODS}</section>',
        f'<product-recommendations class="related-products page-width">{GOODS}</product-recommendations>',
        f'<div class="widget PopularPosts">{GOODS}</div>',
        f'<aside id="recently-viewed">{GOODS}</aside>',
        f'<div class="kg-card kg-bookmark-card">{GOODS}</div>',
        f'<div class="product-recommendations__list">{GOODS}</div>',
        f"<section><h2>You may also like</h2>{GOODS}</section>",
        f'<section class="related-designers">{GOODS}</section>',
        f'<div><div class="head"><h3>Похожие товары</h3><a href="/all">→</a></div>{GOODS}</div>',
        f"<div><h4>関連商品</h4>{GOODS}</div>",
        f'<div><div><h3>Related</h3><button><img src="/l.svg"></button><img src="arrow.png"></div>{GOODS}</div>',
        '<div><h2>You may also like</h2><ul><li><div><img src="/2.jpg"></div><h3><a href="/p/2">Two</a></h3></li></ul></div>',
        '<div><h2>You may also like</h2><product-card><a href="/p/2"></a><img src="/2.jpg"></product-card></div>',
        f"<footer>{GOODS}</footer>",
        f"<h2>More from Vogue</h2>{GOODS}",
        f"<div><h3>More by Ana</h3>{GOODS}</div>",
        f"<div><h2>Autres galeries</h2>{GOODS}</div>",
        f'<section class="Recirc__wrapper recirc">{GOODS}</section>',
        f'<section class="product-accessories">{GOODS}</section>',
        f'<div id="tab-related">{GOODS}</div>',
        f'<div class="cross-selling-tab">{GOODS}</div>',
        f'<section class="other-projects">{GOODS}</section>',
        f"<div><h3>Рекомендуем</h3>{GOODS}</div>",
        '<script>x = {"looks": ["/1.jpg"], "nextGallery": {"link": "/next", "thumbnail": "/2.jpg"}}</script>',
        '<div id="CartDrawer"><img src="/2.jpg"></div>',
        '<script>x = {"recirculation": [{"image": "/2.jpg"}], "menu": [{"image": {"url": "/3.jpg"}}]}</script>',
        '<script>x = {"user": {"name": "Ana", "photo": {"url": "/2.jpg"}}}</script>',
        '<script>x = {"relatedProducts": [{"image": "/2.jpg"}]}; y = {"upsells": ["/3.jpg"]}</script>',
    ],
)
def test_other_goods_and_posts_are_no_photos_of_a_page(others: str) -> None:
    """A class, a heading or a key says that what follows leads elsewhere: its thumbnails are those of other pages."""
    assert seen(OWN + others) == ["/1.jpg"]


def test_photos_behind_a_heading_of_their_own_are_the_pages() -> None:
    """A heading ends what another began, where both stand in one box; below it photos that lead to no page are the page's."""
    assert seen(f"<div><h2>Related</h2>{GOODS}<h2>The looks</h2>{OWN}</div>") == ["/1.jpg"]
    assert seen(f'<div class="has-related-products">{OWN}</div>') == ["/1.jpg"]
    assert seen(f'<main class="related">{OWN}</main><div><h2>Related</h2></div>{GOODS}') == ["/1.jpg"]
    assert seen(f'{OWN}<div><h2>Recent posts</h2><img src="/3.jpg"><a href="/4.jpg"><img src="/4s.jpg"></a>{GOODS}</div>') == [
        "/1.jpg", "/3.jpg", "/4.jpg",
    ]  # fmt: skip
    assert not heads_others("related " * 100)


def test_a_box_of_other_goods_ends_with_its_box() -> None:
    """A heading and its goods in a drawer that is nearly empty say nothing of the photos behind the drawer."""
    drawer = '<div><div><div><h4>You may also like</h4><a href="/p/3"><img src="/3.jpg"></a></div></div></div>'
    assert seen(f"{drawer}{OWN}{GOODS}") == ["/1.jpg", "/2.jpg"]


def test_an_item_below_other_goods_that_leads_to_no_page_is_the_pages() -> None:
    """A list of photos, or of links to their files, is no list of goods, whatever the heading above it."""
    assert seen(
        '<h2>Related</h2><li><img src="/1.jpg"></li><li><a href="/2.jpg"><img src="/2s.jpg"></a><a href="/p">p</a>'
    ) == [
        "/1.jpg",
        "/2.jpg",
    ]


def test_other_goods_are_what_there_is_where_a_page_has_no_photo_of_its_own() -> None:
    """A page of nothing but "related looks" shows them; its foot and its marks are no photos even then."""
    assert seen(f"<div><h2>You may also like</h2>{GOODS}</div><footer>{OWN}</footer>") == ["/2.jpg"]
    assert seen(f'<section class="related products">{GOODS}</section>') == ["/2.jpg"]
    assert seen(f"<p><a href='/p/1'>one</a></p><footer>{OWN}</footer>") == []


@pytest.mark.parametrize(
    "place",
    [
        "<aside>{0}</aside>",
        '<div id="sidebar"><div class="widget">{0}</div></div>',
        '<div class="widget-area" role="complementary">{0}</div>',
        "<nav><ul><li>{0}</li></ul></nav>",
        '<header><div class="main-menu-item">{0}</div></header>',
        '<div id="header"><ul class="dropdown">{0}</ul></div>',
    ],
)
def test_thumbnails_of_other_pages_in_a_column_or_menu_are_no_photos_of_a_page(place: str) -> None:
    """A sidebar's and a menu's tiles lead to other pages; what leads to no page there is the page's, and all is where none is."""
    assert seen(OWN + place.format(GOODS)) == ["/1.jpg"]
    assert seen(OWN + place.format('<a href="/3.jpg"><img src="/3s.jpg"></a><img src="/4.jpg">')) == [
        "/1.jpg",
        "/3.jpg",
        "/4.jpg",
    ]
    assert seen(place.format(GOODS)) == ["/2.jpg"]


@pytest.mark.parametrize(
    "place",
    [
        '<nav class="look-thumbs">{0}</nav>',
        '<nav id="projects">{0}</nav>',
        '<aside class="gallery">{0}</aside>',
        "<main><nav>{0}</nav></main>",
        '<article><header><div class="menu">{0}</div></header></article>',
        '<div class="with-sidebar">{0}</div>',
        '<header class="hero">{0}</header>',
    ],
)
def test_thumbnails_of_a_pages_own_looks_are_its_photos_wherever_they_stand(place: str) -> None:
    """A strip of looks, a page's own part, a hero: no menu and no column beside it."""
    assert seen(OWN + place.format(GOODS)) == ["/1.jpg", "/2.jpg"]


@pytest.mark.parametrize(
    "mark",
    [
        '<a href="/"><img src="/wp-content/uploads/Logo-scuola-300x80.png"></a>',
        '<a href="http://a.example/"><img src="/assets/wordmark.Bq2.png"></a>',
        '<a href="index.html"><img src="/i/x.gif" alt="Rosa logo"></a>',
        '<header><a href="/en"><img src="/wide.jpg" width="900"></a></header>',
        """<div id="header"><a href="/"><b data-image-info='{"imageData": {"uri": "/m.jpg"}}'></b></a></div>""",
        '<header><a href="/" style="background:url(/m.jpg)"></a></header>',
        '<a href="/"><img src="/i/start.png" alt="Home"></a>',
        '<img class="userpic" src="/ana.jpg">',
        '<b class="product-item-scu-item-color" style="background:url(/red.jpg)"></b>',
        '<i class="swatch-circle" style="background:url(/s_1.jpg)"></i>',
        '<div class="td-a-rec"><img src="/bag.jpg"></div>',
        '<div class="newsletter-section"><img src="/paper.jpg"></div>',
        '<a href="/wiki/File:P.svg"><img src="/thumb/9/99/P.svg/120px-P.svg.png"></a>',
        '<a href="mailto:rosa@a.example"><img src="/mail-rosa.jpg"></a>',
        '<a href="https://www.instagram.com/atelier/"><img src="/round.png"></a>',
        '<a href="https://pinterest.com/pin/create/button/?url=x"><img src="/p.png"></a>',
        '<a href="https://apps.apple.com/app/id1"><img src="/store.png"></a>',
        '<img id="ctl00_imgLogo" src="/i/pelle.png">',
        '<a href="https://www.paypal.com/donate?x=1"><img src="/give.jpg"></a>',
        '<meta property="og:image" content="/opengraph-image.png?a1b2">',
        '<meta property="og:image" content="/t/65aa/Social+card.png">',
        '<div style="--noise:url(/img/noise.png)"></div>',
        "<body background='/paper.jpg'>",
        '<span style="background:url(/attribute_value_images/12.preview.jpg)"></span>',
    ],
)
def test_marks_and_cards_are_no_photos_of_a_page(mark: str) -> None:
    """A logo that leads home, a button to a network, a drawn card, paper behind the page: a person sees no photo."""
    assert seen(f'{mark}{OWN}<a href="https://www.instagram.com/p/Cabc/"><img src="/2.jpg"></a>') == [
        "/1.jpg",
        "/2.jpg",
    ]


@pytest.mark.parametrize(
    ("script", "call"),
    [
        ("function pic(n,w,h){ window.open('/big/'+n+'.jpg','p','width='+w+',height='+h); }", "pic('1', 600, 900)"),
        ('function pic(n) { document.getElementById("m").src = "/big/" + n; }', "pic('1.jpg'); return false"),
        (
            'var pic = function (t, n) { w.document.write("<img src=\'/big/" + n + "\'><br>" + t) };',
            "pic('One','1.jpg')",
        ),
        ("const pic = (n) => { img.src = '/big/' + n + '.jpg?v=2' }", "pic(1)"),
    ],
)
@pytest.mark.parametrize(
    "thumb",
    [
        '<a href="javascript:{0}"><img src="/small/x.jpg"></a>',
        '<a href="#" onclick="{0}"><img src="/small/x.jpg"></a>',
        '<img src="/small/x.jpg" onclick="{0}">',
    ],
)
def test_a_call_of_the_pages_function_is_the_photo_that_it_opens(script: str, call: str, thumb: str) -> None:
    """What a function puts around what it is given is written out, on the link, or on the image itself."""
    assert seen(f"<script>{script}</script>{thumb.format(call)}") == ["/big/1.jpg"]


def test_a_function_that_adds_more_than_it_is_given_opens_nothing_known() -> None:
    """Two things that vary, or something from elsewhere in the sum: then the thumbnail is all there is."""
    script = "<script>function pic(d,n){ open('/b/' + d + '/' + n + '.jpg') } function go(n){ open(b + n + '.jpg') }</script>"
    calls = """<a href="javascript:pic('a','1')"><img src="/s/1.jpg"></a><a href="javascript:go('2')"><img src="/s/2.jpg"></a>"""
    assert seen(script + calls) == ["/s/1.jpg", "/s/2.jpg"]


# name, markup, the photos that a person sees (their best URLs), nothing else
PAGES: list[tuple[str, str, list[str]]] = [
    ("JSON in a script of a template", f'<template data-varname="__STATE__"><script>{STATE}</script></template>',
     ["/1.jpg", "/3.jpg"]),
    ("VTEX's names", (f'<img src="{VTEX}/18-800-auto?v=6&width=800">'
     f'<script>x = {{"imageUrl": "{VTEX}/18/front.jpg?v=6"}}</script>'), [f"{VTEX}/18/front.jpg?v=6"]),
    ("a film's poster", '<a data-video="{}" data-poster="/full/film.jpg"><img src="/240/film.jpg"></a>', ["/full/film.jpg"]),
    ("names in folders of their own", (f'<media-item dynamic-src="{CARGO}/S22/1_kato.jpg"></media-item>'
     f'<img src="{CARGO}/T22/2_kato.jpg"><script type="text/json">[{{"name": "1_kato.jpg"}}, {{"name": "2_kato.jpg"}}]</script>'),
     [f"{CARGO}/S22/1_kato.jpg", f"{CARGO}/T22/2_kato.jpg"]),
    ("a larger photo behind a link on the page", ('<a href="#b"><img src="/foto/min/3.jpg"></a><div id="b">'
     '<img src="/foto/3.jpg"></div>'), ["/foto/3.jpg"]),
    ("folders in other languages", "".join(f'<img src="/{one}.jpg">' for one in ("klein/1", "gross/1", "petit/2", "grand/2")),
     ["/gross/1.jpg", "/grand/2.jpg"]),
    ("PocketBase's thumbnails", ('<img src="/api/files/a/b/1.jpg?thumb=400x600">'
     '<script>x = {"image": "/api/files/a/b/1.jpg"}</script>'), ["/api/files/a/b/1.jpg"]),
    ("a lightbox beside larger sizes, in a place that a style holds", ('<div data-src="/1_a.jpg"><img src="data:," width="1920" '
     'height="0" data-srcset="/1_s.jpg 600w, /1_a.jpg 1920w, /1_b.jpg 3840w"></div>'), ["/1_b.jpg"]),
    ("a script that gives both sizes", ('<a href="img.ashx?id=7&size=full"><img src="img.ashx?id=7&size=thumb&x=.jpg"></a>'
     '<a href="fall?id=2"><img src="fall?id=3&x=.jpg"></a>'), ["/shows/img.ashx?id=7&size=full", "/shows/fall?id=3&x=.jpg"]),
    ("a page with a photo's name", '<a href="/index.php/x/1.jpg"><img src="/var/thumbs/x/1.jpg?m=1"></a>',
     ["/var/albums/x/1.jpg"]),
    ("slides that are no sizes", '<script>x = {"image": "/1.jpg", "slides": [{"image": "/2.jpg"}]}</script>',
     ["/1.jpg", "/2.jpg"]),
    ("a lead whose file the page shows", ('<meta property="og:image" content="/share/dress1.jpg"><meta itemprop="image" '
     'content="/i/dress1.jpg"><img src="/c/dress1.jpg"><img src="/c/dress2.jpg">'), ["/c/dress1.jpg", "/c/dress2.jpg"]),
    ("a lead that is larger than what the page shows", ('<meta property="og:image" content="/share/dress1.jpg">'
     '<img src="/c/dress1-300x400.jpg">'), ["/share/dress1.jpg"]),
    ("a program's pages of one photo", ('<a href="IMG_2.html"><img src="slides/IMG_1.jpg"></a>'
     '<a href="IMG_1.JPG">Original image</a>'), ["/shows/IMG_1.JPG"]),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "wanted"), [case[1:] for case in PAGES], ids=[case[0] for case in PAGES])
def test_a_page_gives_what_a_person_sees(markup: str, wanted: list[str]) -> None:
    """Each habit lists each photo once, with its best URL, and nothing else."""
    assert seen(markup) == wanted


@pytest.mark.parametrize(
    ("variant", "original"),
    [
        ("https://img.x.example/i1/O1CN_!!22.jpg_400x400.jpg", "https://img.x.example/i1/O1CN_!!22.jpg"),
        ("https://img.x.example/i1/a.png_60x60q90.jpg_.webp", "https://img.x.example/i1/a.png"),
        ("https://o.example/files/fullsize/" + "0a" * 16 + ".jpg", "https://o.example/files/original/" + "0a" * 16 + ".jpg"),
            ("http://c.example/albums/userpics/10001/normal_a.jpg", "http://c.example/albums/userpics/10001/a.jpg"),
        ("http://p.example/_data/i/upload/2015/a-th.jpg", "http://p.example/upload/2015/a.jpg"),
        ("http://p.example/i.php?/upload/2015/a-me.jpg", "http://p.example/upload/2015/a.jpg"),
        ("http://g.example/var/resizes/x/a.jpg?m=1", "http://g.example/var/albums/x/a.jpg"),
        ("http://z.example/cache/x/robe%20a_100_cw85_ch85_thumb.jpg", "http://z.example/albums/x/robe%20a.jpg"),
        ("http://z.example/zp-core/i.php?a=x&i=a.jpg&s=100&t=1", "http://z.example/albums/x/a.jpg"),
        ("https://o.example/1.jpg?x-oss-process=image/resize,w_400/quality,q_80", "https://o.example/1.jpg"),
        ("https://q.example/1.jpg?imageView2/2/w/400", "https://q.example/1.jpg"),
        ("https://m.example/thumb/a/ab/1.pdf/page1-250px-1.pdf.jpg", "https://m.example/thumb/a/ab/1.pdf/page1-250px-1.pdf.jpg"),
        ("https://l.example/storage/7/conversions/look-1-large.jpg", "https://l.example/storage/7/look-1.jpg"),
        ("https://l.example/7/responsive-images/a-b___original_840_1200.jpg", "https://l.example/7/a-b.jpg"),
        ("https://u.example/1.jpg!w400", "https://u.example/1.jpg"),
        ("https://ic.pics.livejournal.com/u/1/5/5_900.jpg", "https://ic.pics.livejournal.com/u/1/5/5_original.jpg"),
    ("https://w.example/wp-content/uploads/2023/09/a.jpg?w=1024&crop=1", "https://w.example/wp-content/uploads/2023/09/a.jpg"),
    ],
)  # fmt: skip
def test_an_original_is_known_by_the_address_of_a_size(variant: str, original: str) -> None:
    """Systems that are found on any host write sizes in one way."""
    assert ranked(variant)[0] == original


@pytest.mark.parametrize(
    "address",
    [
        "/cgi-bin/Count.cgi?df=a",
        "/i/card_visa.gif",
        "/p_30x30.jpg",
        "/img/dummy.jpg",
        "/drapeaux/en.gif",
        "/i/knopf_korb.gif",
        "/modules/x/ic_verified_user_black_36dp_1x.png",
        "/2019/guide-tailles-300x120.png",
        "/i/groessentabelle.jpg",
        "/wp-content/uploads/2010/05/cropped-head.jpg",
        "/gal/next.jpg",
        "/img/arrow.png",
        "/catalog/language/en-gb/en-gb.png",
        "/i/guia_de_tallas.jpg",
        "/wp-content/themes/twentyten/images/headers/path.jpg",
    ],
)
def test_marks_are_known_by_their_addresses(address: str) -> None:
    """Counters, marks of pay, chips, placeholders, tables of sizes, heads of blogs, arrows, flags and buttons in any language."""
    assert unwanted(f"http://a.example{address}")
    assert not unwanted("http://a.example/looks/cropped-1.jpg")
    assert unwanted("https://i.etsystatic.com/iusa/1/2/iusa_75x75.2_a.jpg")
