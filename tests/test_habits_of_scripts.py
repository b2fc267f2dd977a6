"""What galleries' scripts, old and new, leave in pages: what they show, and from where they load more."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from loopback import Exchange, Routes, page, photo, serve

from deepstyle.catalog import Catalog
from deepstyle.config import ScrapeConfig
from deepstyle.progress import Reporter
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.pages import parse_html
from deepstyle.scraper.scrape import scrape

URL = "http://a.example/shows/fall"
LOOKS = json.dumps([{"full": "/f/1.jpg", "thumb": "/t/1.jpg"}, {"full": "/f/2.jpg", "thumb": "/t/2.jpg"}])

# name, markup, the photos that a person sees (their best URLs), nothing else
PAGES: list[tuple[str, str, list[str]]] = [
    ("Shopware's sizes",
     ('<span data-img-large="/b/1.jpg" data-img-small="/c/1.jpg" data-img-original="/a/1.jpg"><img src="/d/1.jpg">'
     "</span>"), ["/a/1.jpg"]),
    ("Royal Slider", '<a href="/m.jpg" data-rsbigimg="/f.jpg"><img src="/t.jpg"></a>', ["/f.jpg"]),
    ("Galleria", ('<a href="/m.jpg"><img src="/t.jpg" data-big="/f.jpg"></a>'
     '<a href="/g.jpg"><img src="/t/g.jpg" data-2x="/t/g@2x.jpg"></a>'),
     ["/f.jpg", "/g.jpg"]),
    ("Fotorama", '<a href="/m.jpg" data-full="/f.jpg"><img src="/t.jpg"></a>', ["/f.jpg"]),
    ("jQuery Zoom", """<a href="javascript:void(0)" rel="{smallimage: '/m.jpg', largeimage: '/f.jpg'}"><img src="/t.jpg"></a>""",
     ["/f.jpg"]),
    ("xZoom", '<img src="/m.jpg" xoriginal="/f.jpg">', ["/f.jpg"]),
    ("Cargo", '<img src="/m.jpg" data-src="/l.jpg" src_o="/f.jpg">', ["/f.jpg"]),
    ("twice as sharp", ('<img src="/x.gif" data-src="/1.jpg" data-src-retina="/1@2x.jpg"><i data-bg="/2.jpg" data-bg-hidpi='
     '"/2@2x.jpg"></i>'),
     ["/1@2x.jpg", "/2@2x.jpg"]),
    ("bLazy", '<img src="data:image/gif;base64,R0" data-src="/1.jpg|/1@2x.jpg">', ["/1@2x.jpg"]),
    ("lazysizes' backgrounds", '<i data-bgset="/s.jpg [(max-width: 480px)] | /f.jpg"></i>', ["/f.jpg"]),
    ("a 3D model", '<model-viewer src="/shoe.glb" poster="/f.jpg"></model-viewer>', ["/f.jpg"]),
    ("JSON in a textarea", f"<textarea hidden>{LOOKS}</textarea><textarea>I like /f/3.jpg</textarea>", ["/f/1.jpg", "/f/2.jpg"]),
    ("markup in a textarea", '<textarea>&lt;p>&lt;img src="/f.jpg">&lt;/p></textarea>', ["/f.jpg"]),
    ("templates", ('<script type="text/template"><img src="/1.jpg"></script><script type="text/x-handlebars">{{#each x}}<img src='
     '"{{u}}"><img src="/2.jpg">{{/each}}</script><script type="text/babel">a = <img src="/3.jpg"></script>'), ["/1.jpg",
     "/2.jpg"]),
    ("values of unknown types", f'<script type="text/x-config">{LOOKS}</script>', ["/f/1.jpg", "/f/2.jpg"]),
    ("written markup",
     """<script>document.write('<img src="/1.jpg" width="800">'); a = "<img src='" + base + "2.jpg'>";</script>""",
     ["/1.jpg"]),
    ("written markup, escaped",
     r'<script>x.innerHTML = "<p><img src=\"\/1.jpg\"><\/p>"; y = `<img src="${u}/2.jpg">`</script>', ["/1.jpg"]),
    ("names behind a folder", """<script>var thumbPath = "/t/", imgPath = "/big/";
     var pics = new Array("a1.jpg", "a2.jpg");</script>""",
     ["/big/a1.jpg", "/big/a2.jpg"]),
    ("names behind a folder in an object", """<script>SHOW = {baseUrl: "https:\\/\\/c.example\\/22\\/", thumbDir: "t/", looks:
     [{file: "1.jpg", alt: "x.jpg", thumb: "1.jpg"}, {file: "fw/2.jpg"}]}</script>""", ["https://c.example/22/1.jpg", "https://c.example/22/fw/2.jpg"]),
    ("names of which one is shown", """<img src="https://c.example/ss19/DIO_0001.jpg?w=300"><script>
     a = ["DIO_0001.jpg", "DIO_0002.jpg"]; b = [{images: ["DIO_0003.jpg"]}]; c = {alt: "DIO_0004.jpg"}</script>""",
     ["https://c.example/ss19/DIO_0001.jpg?w=300", "https://c.example/ss19/DIO_0002.jpg", "https://c.example/ss19/DIO_0003.jpg"]),
    ("names of which none is shown", '<script>a = ["DIO_0001.jpg", "DIO_0002.jpg"]; siteUrl = "https://c.example/"</script>', []),
    ("paths behind a host of another variable", """<script>var CDN_HOST = "https://c.example", looks = ["/f/1.jpg"];</script>
     <script>window.cfg = {"imageHost": "https:\\/\\/i.example\\/m\\/"}; window.d = {slides: [{image: "/f/2.jpg"}]}</script>""",
     ["https://c.example/f/1.jpg", "https://i.example/m/f/2.jpg"]),
    ("paths behind a host that is not photos'", """<script>api = {cdnApiHost: "https://c.example", siteUrl: "https://s.example",
     galleryUrl: "https://g.example/x", assetPrefix: "https://p.example"}; looks = ["/f/1.jpg"]</script>""", ["/f/1.jpg"]),
    ("names behind a folder without a slash", """<script>const IMG_BASE = "https://c.example/fw"; a = ["1.jpg"]</script><script>
     cdnHost = "https://c.example"; a = ["2.jpg"]</script>""", ["https://c.example/fw/1.jpg"]),
    ("names behind a folder in an attribute", """<i data-book='{"base": "https://c.example/l/", "files": ["1_large.jpg"],
     "thumbs": ["1_small.jpg"]}'></i>""", ["https://c.example/l/1_large.jpg"]),
    ("what pages are drawn with", '<img src="/btn_next.png"><img src="/header_bg.gif"><img src="/button.jpg">', ["/button.jpg"]),
    ("paths of which one is shown on another host", """<img src="https://c.example/ss19/1.jpg?w=300"><script>a = [{src:
     "/ss19/1.jpg", alt: "x"}, {src: "/ss19/2.jpg"}]</script>""", ["https://c.example/ss19/1.jpg", "https://c.example/ss19/2.jpg"]),
    ("a file's name beside its address", """<img src="https://c.example/h1/look-1.jpg"><script>a = [{file: {url:
     "//c.example/h2/look-2.jpg", fileName: "look-1.jpg"}}, {url: "/u/3_ab.jpg", name: "look-1.jpg"}]</script>""",
     ["https://c.example/h1/look-1.jpg", "http://c.example/h2/look-2.jpg", "/u/3_ab.jpg"]),
    ("a file's name beside its thumbnail", """<script>path = "/l/"; a = [{thumb: "/t/1.jpg", name: "1.jpg"}]</script>""",
     ["/l/1.jpg"]),
    ("main beside zoom", """<img src="/1_main.jpg"><img src="/2_main.jpg"><script>a = [{thumb: "/1_thumb.jpg", main:
     "/1_main.jpg", zoom: "/1_zoom.jpg"}, {main: "/3.jpg", hover: "/3b.jpg"}]</script>""",
     ["/1_zoom.jpg", "/2_main.jpg", "/3.jpg", "/3b.jpg"]),
    ("folders of one letter, and of many", """<img src="/s/1.jpg"><img src="/l/1.jpg"><img src="/m/2.jpg"><img src="/x/a/3.jpg">
     <img src="/x/l/3.jpg"><img src="/x/m/3.jpg">""", ["/l/1.jpg", "/m/2.jpg", "/x/a/3.jpg", "/x/l/3.jpg", "/x/m/3.jpg"]),
    ("patterns that repeat", """<style>.a{background:#000 url("/noise.gif") repeat}.b{background:url(/1.png) no-repeat}
     .c{background:url(/2.jpg) repeat}</style>""", ["/1.png", "/2.jpg"]),
    ("swatches", '<i style="background:url(/images/swatch/red.jpg)"></i><img src="/red_swatch.jpg"><img src="/swatch/1.jpg">',
     ["/swatch/1.jpg"]),
    ("an encrypted size beside an open one", """<meta property="og:image" content="http://b.example/1.jpg"><img
     src="https://b.example/1.jpg?w=300">""", ["https://b.example/1.jpg"]),
    ("windows that open",
     ("""<a href="javascript:openWin('/1.jpg',600,800)"><img src="/t/a.jpg"></a><a href="/2.html" onclick="window"""
     """.open('/2.jpg','w'); return false"><img src="/t/b.jpg"></a><img src="/t/c.jpg" onclick="zoom('/3.jpg')">"""),
     ["/1.jpg", "/2.jpg", "/3.jpg"]),
    ("pictures that swap", """<a href="#" onmouseover="MM_swapImage('main','','/1.jpg',1)"><img src="/t.jpg"></a>""", ["/1.jpg"]),
    ("pictures loaded before they are shown", ("""<body onload="MM_preloadImages('/1.jpg','/2.jpg')"><script>i.src = '/3.jpg'; """
     """preloadImages("/4.jpg", "/5.jpg");</script>"""), ["/1.jpg", "/2.jpg", "/3.jpg", "/4.jpg", "/5.jpg"]),
    ("a choice of pictures", '<select><option value="/1.jpg">1</option><option value="red">red</option></select>', ["/1.jpg"]),
    ("img's old name", '<image src="/f.jpg">', ["/f.jpg"]),
    ("backslashes", r'<img src="\looks\1.jpg">', ["/looks/1.jpg"]),
    ("an address that is the page's", '<img src="#"><img src="?"><img src="/f.jpg">', ["/f.jpg"]),
    ("a wiki's page of a file", ('<a href="/wiki/File:1.jpg"><img src="/w/thumb/a/ab/1.jpg/120px-1.jpg"></a>'),
     ["/w/a/ab/1.jpg"]),
    ("a version", '<meta property="og:image" content="http://a.example/1.jpg"><img src="/1.jpg?v=2">', ["/1.jpg"]),
    ("both schemes", '<meta property="og:image" content="http://b.example/1.jpg"><img src="https://b.example/1.jpg">',
     ["https://b.example/1.jpg"]),
    ("letters beside one another", ('<img src="/s_1.jpg"><img src="/l_1.jpg"><img src="/m_1.jpg"><img src="/2_m.jpg"><img src='
     '"/2_xl.jpg">'),
     ["/l_1.jpg", "/2_xl.jpg"]),
    ("letters alone", ('<img src="/paris_m.jpg"><img src="/milan_s.jpg"><img src="/milan.jpg"><img src="/a_a.jpg"><img src='
     '"/a_b.jpg">'),
     ["/paris_m.jpg", "/milan_s.jpg", "/milan.jpg", "/a_a.jpg", "/a_b.jpg"]),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "wanted"), [case[1:] for case in PAGES], ids=[case[0] for case in PAGES])
def test_a_page_gives_what_a_person_sees(markup: str, wanted: list[str]) -> None:
    """Each habit lists each photo once, with its best URL, and nothing else."""
    found = parse_html(f"<html>{markup}</html>".encode(), URL).listings

    assert [one.image_url.removeprefix("http://a.example") for one in found] == wanted


# name, script, the photos whose addresses it puts together
SUMS: list[tuple[str, str, list[str]]] = [
    ("names and a list", """var base = 'img/'; var ext = '.jpg'; var pics = new Array("a1", "b2");
     for (var i = 0; i < pics.length; i++) {
     document.write('<img src="' + base + pics[i] + ext + '" width="600">'); }""", ["/shows/img/a1.jpg", "/shows/img/b2.jpg"]),
    ("templates", """const cdn = `https://c.example`; const folder = 'lb/22';
     const looks = [{src: `${cdn}/${folder}/1.jpg`}, {src: cdn + '/x/2.jpg'}];""",
     ["https://c.example/lb/22/1.jpg", "https://c.example/x/2.jpg"]),
    ("a loop that counts", """for (var i=1; i<=2; i++) {
     document.write('<a href="/big/' + i + '.jpg"><img src="/t/' + i + '.jpg"></a>'); }""",
     ["/big/1.jpg", "/big/2.jpg"]),
    ("zeros before", """const dir = '/l/'; for (let n = 9; n < 11; n++) {
     html += `<img src="${dir}${String(n).padStart(3, '0')}.jpg">`; }""", ["/l/009.jpg", "/l/010.jpg"]),
    ("a zero before", """for (i = 9; i <= 10; i++) document.write("<img src='/l/" + (i < 10 ? "0" + i : i) + ".jpg'>");""",
     ["/l/09.jpg", "/l/10.jpg"]),
    ("through a list", """const names = ['a', 'b']; show(names.map((name) => `/l/${name}.jpg`));""", ["/l/a.jpg", "/l/b.jpg"]),
    ("a list of a length", """show(Array.from({ length: 2 }, (_, i) => `/l/look-${i + 1}.jpg`));""",
     ["/l/look-1.jpg", "/l/look-2.jpg"]),
    ("an attribute that is set", "img.setAttribute('src', '/d/1.jpg'); two.src = '/d/2.jpg';", ["/d/1.jpg", "/d/2.jpg"]),
    ("a number with a name", """var total = 2; for (var n = 1; n <= total; n++)
     document.write("<img src='/r/" + n + ".jpg'>");""",
     ["/r/1.jpg", "/r/2.jpg"]),
    ("as long as a list", """var k = ['x', 'y']; for (n = 0; n < k.length; n++)
     document.write('<img src="/r/' + n + k[n] + '.jpg">');""",
     ["/r/0x.jpg", "/r/1y.jpg"]),
    ("a number that changes", """total = 2; total = 3; for (n = 0; n < total; n++)
     document.write('<img src="/r/' + n + '.jpg">');""", []),
    ("calls that add", 'show.addImage("p/1.jpg", "Look 1"); show.addSlide("/2.jpg", "Look 2");', ["/shows/p/1.jpg", "/2.jpg"]),
    ("a step of one", """for (let i = 1; i <= 2; i += 1) { slides.push('<img src="/w/' + i + '.jpg">'); }""",
     ["/w/1.jpg", "/w/2.jpg"]),
    ("names in calls", """show(['/l/' + folder + '/1.jpg', '/l/2.jpg?v=' + version]);""", ["/l/2.jpg?v="]),
    ("what a call gives", """var dir = pick(); var one = dir + '/1.jpg';
     document.write('<img src="' + one + '">'); show(dir + i);""", []),
    ("what is not known", """var a = '/l/'; var b = '/l/'; b += x; var pics = ['1', '2'];
     document.write('<img src="' + a + other[i] + '.jpg">');
     document.write('<img src="' + b + '3.jpg">'); for (i = 1; i < 3; i++) f(i); for (i = 1; i < 9; i++) show('/l/' + i + '.jpg');
     function g(a) { return '<img src="' + a + '4.jpg">'; } document.write('<img src="' + pics[i] + pics[j] + '.jpg">');""", []),
]  # fmt: skip


@pytest.mark.parametrize(("script", "wanted"), [case[1:] for case in SUMS], ids=[case[0] for case in SUMS])
def test_addresses_that_a_script_puts_together_are_written_out(script: str, wanted: list[str]) -> None:
    """Sums of strings that the script states are read, over its lists and counting loops, too; no other is guessed."""
    found = parse_html(f"<html><script>{script}</script></html>".encode(), URL).listings

    assert [one.image_url.removeprefix("http://a.example") for one in found] == wanted


# name, markup, the pages that it leads to, and which of them are the next part
LINKS: list[tuple[str, str, list[str], list[str]]] = [
    ("htmx in long", '<i data-hx-get="/more?page=2"></i>', ["/more?page=2"], ["/more?page=2"]),
    ("Stimulus", '<i data-infinite-scroll-url-value="/api?after="></i>', ["/api?after="], ["/api?after="]),
    ("a frame of Turbo", '<turbo-frame id="a" src="/frames/2" loading="lazy"></turbo-frame>', ["/frames/2"], []),
    ("a list of AMP", '<amp-list src="/looks.json"></amp-list>', ["/looks.json"], []),
    ("a fragment", '<include-fragment src="/part"></include-fragment>', ["/part"], []),
    ("a frame that waits", '<iframe src="about:blank" data-src="/photoset/1"></iframe>', ["/photoset/1"], []),
    ("a lightbox that fetches", '<a data-fancybox data-type="ajax" data-src="/ajax/1" href="javascript:;"><img src="/t.jpg"></a>',
     ["/ajax/1"], []),
    ("a page beside an endpoint", '<b class="load-more" data-endpoint="/api/looks" data-page="2"></b>',
     ["/api/looks", "/api/looks?page=2"], ["/api/looks", "/api/looks?page=2"]),
    ("a manifest", '<i data-manifest="/iiif/1.json"></i><i data-uri="/iiif/2.json"></i>', ["/iiif/1.json", "/iiif/2.json"], []),
    ("a linked manifest",
     ('<link rel="alternate" type="application/ld+json;profile=&quot;http://iiif.io/api/presentation/3/context.json'
     '&quot;" href="/iiif/1.json">'), ["/iiif/1.json"], []),
    ("a manifest in a script", '<script>Mirador.viewer({"windows": [{"manifestId": "/iiif/1.json"}]})</script>',
     ["/iiif/1.json"], ["/iiif/1.json"]),
    ("an arrow with a name", '<a href="/3" aria-label="Next page"><svg></svg></a><a href="/4" title="Next: Dior"><svg></svg></a>',
     ["/3", "/4"], ["/3"]),
    ("other languages", '<a href="/2">Suivant \u203a</a><a href="/3">Load more \u2193</a><a href="/4">Weiterlesen</a>',
     ["/2", "/3", "/4"], ["/2", "/3"]),
    ("a button that says so", '<button data-url="/grid?start=24">More results</button><button data-url="/x">Open</button>',
     ["/grid?start=24", "/x"], ["/grid?start=24"]),
    ("numbers alone", '<b>1</b><a href="/shows/fall?page=2">2</a><a href="/shows/fall?page=9">9</a><a href="/x?page=2">x</a>',
     ["/shows/fall?page=2", "/shows/fall?page=9", "/x?page=2"], ["/shows/fall?page=2"]),
    ("what does something", '<i data-add-to-cart-url-value="/cart/add"></i><i data-logout-path-value="/logout"></i>', [], []),
    ("what answers, shares or prints", ('<a href="/shows/fall?replytocom=5#respond">1</a><a href="/x?share=facebook&nb=1">2</a>'
     '<a href="?print=1">3</a><a href="?print=floral">4</a><a href="/looks?view=print">5</a>'),
     ["/shows/fall?print=floral", "/looks?view=print"], []),
    ("a wiki's page of a file", '<a href="/wiki/File:1.jpg">1</a>', ["/wiki/File:1.jpg"], []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("markup", "links", "following"), [case[1:] for case in LINKS], ids=[case[0] for case in LINKS]
)
def test_what_a_script_would_fetch_is_followed(markup: str, links: list[str], following: list[str]) -> None:
    """Addresses in attributes of scripts' own are pages to visit, the next part among them, unless they do something."""
    found = parse_html(f"<html><body>{markup}</body></html>".encode(), URL)
    here = [one.removeprefix("http://a.example") for one in found.links]

    assert (here, [one.removeprefix("http://a.example") for one in found.next_links]) == (links, following)


def manifest(at: Exchange) -> None:
    """A IIIF manifest of two canvases; thumbnails and the service's addresses stand beside the whole images."""
    host = f"http://{at.headers['Host']}/iiif/2"
    bodies: list[dict[str, Any]] = [
        {"id": f"{host}/{one}/full/max/0/default.jpg", "type": "Image", "height": 3000, "width": 2000,
         "service": [{"id": f"{host}/{one}", "type": "ImageService2"}]} for one in "ab"
    ]  # fmt: skip
    items = [
        {"type": "Canvas", "thumbnail": [{"id": body["id"].replace("full/max", "full/90,"), "type": "Image"}],
         "items": [{"type": "AnnotationPage", "items": [{"type": "Annotation", "body": body}]}]} for body in bodies
    ]  # fmt: skip
    at.send(json.dumps({"type": "Manifest", "items": items}).encode(), "application/json")


def test_a_museum_s_manifest_is_read(tmp_path: Path) -> None:
    """From an object's page the viewer's manifest is fetched, and each canvas gives its whole image, once."""
    image = "/iiif/2/{}/full/max/0/default.jpg"
    routes: Routes = {"/": page('<div class="uv" data-uri="/iiif/1.json"></div>'), "/iiif/1.json": manifest,
              **{image.format(one): photo(ord(one)) for one in "ab"}}  # fmt: skip
    settings = {"rate": 500, "allow_private": True, "retries": 0, "deadline": 300, "read_timeout": 300}
    config = ScrapeConfig.model_validate(settings)

    with serve(routes) as site, Fetcher(config) as fetcher, Catalog(tmp_path) as catalog:
        scrape([f"{site.url}/"], catalog, config, fetcher=fetcher, reporter=Reporter(quiet=True, stream=io.StringIO()))
        kept = {one.image_url.removeprefix(site.url) for one in catalog.photos()}

    assert kept == {image.format("a"), image.format("b")}
