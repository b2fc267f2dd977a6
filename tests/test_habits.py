"""What people see on pages as they are made today: small pages in the habits of shops, magazines and site builders."""

from __future__ import annotations

import json

import pytest

from deepstyle.scraper.budget import MAX_VALUES, Budget
from deepstyle.scraper.pages import parse_html
from deepstyle.scraper.state import json_value

URL = "http://a.example/shows/fall"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="


def flight(*rows: str) -> str:
    """Next.js' pushes, each row cut in the middle."""
    text = "".join(row + "\n" for row in rows)
    half = len(text) // 2
    return "".join(
        f"<script>self.__next_f.push([1,{json.dumps(part)}])</script>" for part in (text[:half], text[half:])
    )


VOGUE = {"images": [{"id": n, "sources": {
    name: {"url": f"/photos/5c0fe0a1e2f5f42d1bb1d1e{n}/master/w_{w}%2Cc_limit/look.jpg", "width": w}
    for name, w in (("sm", 320), ("md", 640), ("xl", 1280))}} for n in (1, 2)]}  # fmt: skip
NUXT3 = [["ShallowReactive", 1], {"data": 2}, {"gallery": 3}, [4, 7], {"thumb": 5, "url": 6}, "/t/1.jpg", "/f/1.jpg",
         {"thumb": 8, "url": 9}, "/t/2.jpg", "/f/2.jpg"]  # fmt: skip
HTML_IN_JSON = {"content": {"rendered": '<p>Look</p><img src="/f/1.jpg"><a href="/next-one">n</a>'}}

# name, markup, the photos that a person sees (their best URLs), nothing else
CASES: list[tuple[str, str, list[str]]] = [
    ("svg image", '<svg width="900" height="900"><image href="/f.jpg"/></svg>', ["/f.jpg"]),
    ("svg image, older", '<svg><image xlink:href="/f.jpg" width="900" height="900"></image></svg>', ["/f.jpg"]),
    ("link itemprop", '<link itemprop="image" href="/f.jpg">', ["/f.jpg"]),
    ("meta itemprop", '<div itemscope><meta itemprop="image" content="/f.jpg"></div>', ["/f.jpg"]),
    ("meta itemprop contentUrl", '<meta itemprop="contentUrl" content="/f.jpg">', ["/f.jpg"]),
    ("preload", '<link rel="preload" as="image" href="/f.jpg">', ["/f.jpg"]),
    ("preload with a set", '<link rel=preload as=image href="/m.jpg" imagesrcset="/m.jpg 300w, /f.jpg 900w">',
     ["/f.jpg"]),
    ("preload of a font", '<link rel="preload" as="font" href="/a.woff2">', []),
    ("flight img", flight('5:["$","img",null,{"src":"/f/1.jpg","alt":"one"}]', '6:["$","div",null,{"children":'
     '["$","img",null,{"src":"/f/2.jpg"}]}]'), ["/f/1.jpg", "/f/2.jpg"]),
    ("flight data", flight('2:I[123,["456"],"default"]', '3:{"looks":[{"image":{"url":"/f/1.jpg","width":900,"height":1200}},'
     '{"image":{"url":"/f/2.jpg","width":900,"height":1200}}]}'), ["/f/1.jpg", "/f/2.jpg"]),
    ("flight text", flight('7:T1c,<p><img src="/f/1.jpg"></p>8:{"a":{"photo":"/f/2.jpg"}}'), ["/f/2.jpg", "/f/1.jpg"]),
    ("next data", ('<script id="__NEXT_DATA__" type="application/json">{"props":{"pageProps":{"looks":["/f/1.jpg","/f/2.jpg"]}}}'
     "</script>"), ["/f/1.jpg", "/f/2.jpg"]),
    ("next image", ('<img src="/_next/image?url=%2Ff%2F1.jpg&amp;w=640&amp;q=75" srcset="/_next/image?url=%2Ff%2F1.jpg&amp;w=640'
     '&amp;q=75 1x, /_next/image?url=%2Ff%2F1.jpg&amp;w=1200&amp;q=75 2x">'), ["/f/1.jpg"]),
    ("nuxt 2", ('<script>window.__NUXT__=(function(a,b,c){return {layout:"default",data:[{looks:[{src:a},{src:b}],n:c}]}}'
     '("\\u002Ff\\u002F1.jpg","\\u002Ff\\u002F2.jpg",3));</script>'), ["/f/1.jpg", "/f/2.jpg"]),
    ("nuxt 3", f'<script type="application/json" id="__NUXT_DATA__">{json.dumps(NUXT3)}</script>',
     ["/f/1.jpg", "/f/2.jpg"]),
    ("unquoted keys", "<script>window.gallery = {photos: [{src: '/f/1.jpg', w: 900}, {src: '/f/2.jpg', w: 900},]};</script>",
     ["/f/1.jpg", "/f/2.jpg"]),
    ("push", "<script>slides.push({image: '/f/1.jpg'}); slides.push({image: '/f/2.jpg'});</script>",
     ["/f/1.jpg", "/f/2.jpg"]),
    ("call", "<script>Gallery.init('#main', [{full: '/f/1.jpg', thumb: '/t/1.jpg'}], function () { go(); });</script>",
     ["/f/1.jpg"]),
    ("comments in literals", "<script>var p = [ // looks\n '/f/1.jpg', /* two */ '/f/2.jpg' ];</script>",
     ["/f/1.jpg", "/f/2.jpg"]),
    ("functions in literals", ("<script>new Swiper('.s', {on: {init: function () { return {a: 1}; }}, photos: ['/f/1.jpg']})"
     "</script>"), ["/f/1.jpg"]),
    ("template strings", "<script>const looks = [{url: `/f/1.jpg`}];</script>", ["/f/1.jpg"]),
    ("joined strings", "<script>var look = {url: '/f/' + '1.jpg'};</script>", ["/f/1.jpg"]),
    ("module export", "<script type=module>export default {photos: ['/f/1.jpg']}</script>", ["/f/1.jpg"]),
    ("JSON.parse with single quotes", """<script>window.s = JSON.parse('{"url":"\\/f\\/1.jpg"}')</script>""",
     ["/f/1.jpg"]),
    ("JSON.parse with escapes", """<script>x = JSON.parse('{\\x22url\\x22:\\x22/f/1.jpg\\x22}')</script>""",
     ["/f/1.jpg"]),
    ("JSON.parse of a URI", "<script>x=JSON.parse(decodeURIComponent('%7B%22url%22%3A%22%2Ff%2F1.jpg%22%7D'))</script>",
     ["/f/1.jpg"]),
    ("JSON in data-*", """<div data-gallery='{"photos":[{"thumb":"/t/1.jpg","full":"/f/1.jpg"}]}'></div>""",
     ["/f/1.jpg"]),
    ("JSON list in data-*", '<div data-images="[&quot;/f/1.jpg&quot;,&quot;/f/2.jpg&quot;]"></div>',
     ["/f/1.jpg", "/f/2.jpg"]),
    ("WooCommerce variations", ('<form data-product_variations="[{&quot;image&quot;:{&quot;url&quot;:&quot;/f/1.jpg&quot;,'
     '&quot;thumb_src&quot;:&quot;/t/1.jpg&quot;}}]"></form>'), ["/f/1.jpg"]),
    ("HTML in JSON", f'<script type="application/json">{json.dumps(HTML_IN_JSON)}</script>', ["/f/1.jpg"]),
    ("amp-img", '<amp-img src="/m.jpg" srcset="/m.jpg 320w, /f.jpg 900w" width="900" height="900"></amp-img>',
     ["/f.jpg"]),
    ("amp-carousel", '<amp-carousel><amp-img src="/f/1.jpg" width=4 height=3 layout=responsive></amp-img></amp-carousel>',
     ["/f/1.jpg"]),
    ("amp page after its end", "<html ⚡><body><p>x</p></body></html><img src='/f.jpg'>", ["/f.jpg"]),
    ("escaped noscript", '<noscript>&lt;img src="/f.jpg"&gt;</noscript>', ["/f.jpg"]),
    ("escaped noscript of a lazy image", (f'<img class="lazy" src="{PIXEL}" data-src="/f.jpg"><noscript>&lt;img src="/m.jpg"&gt;'
     "</noscript>"), ["/f.jpg"]),
    ("noscript after a wrapper", '<div><img class="lazyload" data-src="/f.jpg"></div><noscript><img src="/m.jpg"></noscript>',
     ["/f.jpg"]),
    ("image-set with types", ("""<i style="background:image-set('/f.avif' type('image/avif') 1x, '/f.jpg' type('image/jpeg')"""
     ' 2x)"></i>'), ["/f.jpg"]),
    ("image-set with an undecodable type", """<i style="background:image-set('/f.jxl' 2x, '/f.jpg' 1x)"></i>""",
     ["/f.jpg"]),
    ("custom property", '<a style="--cover: url(/f.jpg)"></a>', ["/f.jpg"]),
    ("poster", '<video poster="/f.jpg" src="/v.mp4"></video>', ["/f.jpg"]),
    ("photoswipe", '<a href="/f.jpg" data-pswp-width="1200" data-pswp-height="1600"><img src="/t.jpg"></a>',
     ["/f.jpg"]),
    ("photoswipe attribute", '<a href="/look/1" data-pswp-src="/f.jpg"><img src="/t.jpg"></a>', ["/f.jpg"]),
    ("photoswipe set", '<a href="/m.jpg" data-pswp-srcset="/m.jpg 600w, /f.jpg 1600w"><img src="/t.jpg"></a>',
     ["/f.jpg"]),
    ("lightgallery", '<li data-src="/f/1.jpg" data-responsive="/m/1.jpg 375"><a href=""><img src="/t/1.jpg"></a></li>',
     ["/f/1.jpg"]),
    ("lightgallery of two",
     '<div data-src="/f/1.jpg"><img src="/t/1.jpg"></div><div data-src="/f/2.jpg"><img src="/t/2.jpg"></div>',
     ["/f/1.jpg", "/f/2.jpg"]),
    ("flickity", f'<img src="{PIXEL}" data-flickity-lazyload="/f.jpg">', ["/f.jpg"]),
    ("flickity set", '<img data-flickity-lazyload-src="/m.jpg" data-flickity-lazyload-srcset="/m.jpg 300w,\n/f.jpg 900w">',
     ["/f.jpg"]),
    ("flickity background", '<div data-flickity-bg-lazyload="/f.jpg"></div>', ["/f.jpg"]),
    ("splide", f'<img src="{PIXEL}" data-splide-lazy="/f.jpg">', ["/f.jpg"]),
    ("an attribute of its own", '<img src="/spinner.gif" data-my-picture="/f.jpg">', ["/f.jpg"]),
    ("a hover image is another", '<img src="/f/1.jpg" data-hover-src="/f/2.jpg">', ["/f/1.jpg", "/f/2.jpg"]),
    ("WooCommerce zoom", '<div data-thumb="/t.jpg"><a href="/f.jpg"><img src="/m.jpg" data-large_image="/f.jpg"></a></div>',
     ["/f.jpg"]),
    ("JSON-LD with trailing commas", ('<script type="application/ld+json">{"@type":"Product","image":["/f/1.jpg","/f/2.jpg",],}'
     "</script>"), ["/f/1.jpg", "/f/2.jpg"]),
    ("JSON-LD in CDATA", '<script type="application/ld+json">//<![CDATA[\n{"@type":"Article","image":"/f.jpg"}\n//]]></script>',
     ["/f.jpg"]),
    ("JSON-LD of two photos with widths",
     ('<script type="application/ld+json">{"@type":"Product","image":[{"@type":"ImageObject",'
     '"url":"/f/1.jpg","width":800},{"@type":"ImageObject","url":"/f/2.jpg","width":900}]}</script>'),
     ["/f/1.jpg", "/f/2.jpg"]),
    ("JSON-LD with a line end",
     '<script type="application/ld+json">{"description":"one\ntwo","image":"/f.jpg"}</script>', ["/f.jpg"]),
    ("JSON-LD with a line end and a trailing comma",
     '<script type="application/ld+json">{"description":"one {\ntwo","image":"/f.jpg",}</script>', ["/f.jpg"]),
    ("two objects of JSON-LD", ('<script type="application/ld+json">{"@type":"Product","image":"/f/1.jpg"}\n{"@type":"Product",'
     '"image":"/f/2.jpg",}</script>'), ["/f/1.jpg", "/f/2.jpg"]),
    ("keys like logo and icon", ('<script>s = {"catalogo": {"a": "/f/1.jpg"}, "iconicLooks": ["/f/2.jpg"], "siteLogo": "/l.jpg",'
     '"icons": ["/i.jpg"], "iconUrl": "/j.jpg", "authorImage": "/k.jpg"}</script>'), ["/f/1.jpg", "/f/2.jpg"]),
    ("seasons are no sizes", "".join(f'<img src="/{s}/1.jpg">' for s in ("look/w17", "look/w18", "2017w", "2018w")),
     ["/look/w17/1.jpg", "/look/w18/1.jpg", "/2017w/1.jpg", "/2018w/1.jpg"]),
    ("numbers are no sizes", '<img src="/fw-001w.jpg"><img src="/fw-002w.jpg"><img src="/p.php?h=101"><img src="/p.php?h=102">',
     ["/fw-001w.jpg", "/fw-002w.jpg", "/p.php?h=101", "/p.php?h=102"]),
    ("folders with a letter", "".join(f'<img src="/{s}/1.jpg">' for s in ("f_17", "f_18", "h_dior", "h_chanel")),
     ["/f_17/1.jpg", "/f_18/1.jpg", "/h_dior/1.jpg", "/h_chanel/1.jpg"]),
    ("two pictures of an object", '<script>s = {"image":"/front.jpg","photo":"/back.jpg"}</script>', ["/front.jpg", "/back.jpg"]),
    ("one picture by two names", '<script>s = {"img":"/m/1.jpg","image":"/f/1.jpg"}</script>', ["/m/1.jpg"]),
    ("Shopify widths", '<img data-src="/cdn/shop/files/a_{width}x.jpg?v=1" data-widths="[180, 360, 1080]">',
     ["/cdn/shop/files/a.jpg?v=1"]),
    ("widths that the page does not name", '<img data-src="/files/a_{width}x.jpg">', ["/files/a_2048x.jpg"]),
    ("clicks of Alpine and Vue", ("""<img src="/t/1.jpg" @click="$dispatch('open', {src: '/f/1.jpg'})">"""
     """<li x-on:click.prevent="show('/f/2.jpg')"><img src="/t/2.jpg"></li>"""), ["/f/1.jpg", "/f/2.jpg"]),
    ("a call in x-data", ("""<p x-data='gallery({"items":[{"src":"/f/1.jpg"}]})'></p>"""
     """<i x-data="slides([{src: '/f/2.jpg'}], 3)"></i>"""), ["/f/1.jpg", "/f/2.jpg"]),
    ("a card's hover image", '<div data-hover-image="/f/2.jpg"><img src="/f/1.jpg"></div>', ["/f/2.jpg", "/f/1.jpg"]),
    ("widths", '<img data-src="/a/{width}/1.jpg" data-widths="[180, 1080, 360]">', ["/a/1080/1.jpg"]),
    ("itemprop of two words", '<meta itemprop="image thumbnailUrl" content="/f.jpg">', ["/f.jpg"]),
    ("itemprop of a span", '<span itemprop="image" content="/f.jpg"></span>', ["/f.jpg"]),
    ("amp-story", '<amp-story poster-portrait-src="/f.jpg" title="x"></amp-story>', ["/f.jpg"]),
    ("a ratio", '<img src="/f.jpg" width="2" height="3"><img src="/pixel.gif" width="1" height="1"><img src="/i.png" width=3>',
     ["/f.jpg"]),
    ("a pattern in a literal", """<script>x = {re: /['"/[/]/g, imgs: ["/f/1.jpg"], n: 4 / 2, m: "/f/2.jpg"}</script>""",
     ["/f/2.jpg", "/f/1.jpg"]),
    ("names without a folder", """<script>x = {images: ["a.jpg"], alt: "b.jpg"}; y = [{src: "c.jpg"}]</script>""",
     ["/shows/a.jpg", "/shows/c.jpg"]),
    ("Shopify query", '<img src="/cdn/shop/files/coat.jpg?width=400"><img src="/cdn/shop/files/hat.jpg?width=533&v=1">',
     ["/cdn/shop/files/coat.jpg", "/cdn/shop/files/hat.jpg?v=1"]),
    ("imgix", '<img src="https://a.imgix.net/f.jpg?ixlib=x&w=300"><img src="https://a.imgix.net/g.jpg?ixlib=x&s=7">',
     ["https://a.imgix.net/f.jpg", "https://a.imgix.net/g.jpg?ixlib=x&s=7"]),
    ("Squarespace", '<img src="https://static1.squarespace.com/static/1/t/2/3/f.jpg?format=300w">',
     ["https://static1.squarespace.com/static/1/t/2/3/f.jpg?format=original"]),
    ("Cloudinary's fetch", ('<img src="https://res.cloudinary.com/d/image/fetch/w_300,c_fill/https://b.example/f.jpg"><img '
     'src="https://res.cloudinary.com/d/image/fetch/https%3A%2F%2Fb.example%2Fg.jpg">'), ["https://b.example/f.jpg", "https://b.example/g.jpg"]),
    ("shadow DOM", '<x-look><template shadowrootmode="open"><img src="/f.jpg"><slot></slot></template></x-look>',
     ["/f.jpg"]),
    ("template of a script", '<template><img src="{{ src }}"><img src="${look.url}"></template><img src="/f.jpg">',
     ["/f.jpg"]),
    ("jxl beside a jpg",
     ('<picture><source type="image/jxl" srcset="/f.jxl 1200w"><source srcset="/f.jpg 1200w"><img src="/m.jpg">'
     "</picture>"), ["/f.jpg"]),
    ("jxl without a name", '<picture><source type="image/jxl" srcset="/i/9 1200w"><img src="/f.jpg"></picture>',
     ["/f.jpg"]),
    ("iframe srcdoc", '<iframe srcdoc="&lt;img src=&quot;/f.jpg&quot;&gt;"></iframe>', ["/f.jpg"]),
    ("object", '<object data="/f.jpg" type="image/jpeg"></object>', ["/f.jpg"]),
    ("input", '<input type="image" src="/f.jpg">', ["/f.jpg"]),
    ("magento",
     ('<script type="text/x-magento-init">{"*":{"gallery":{"data":[{"thumb":"/t.jpg","img":"/m.jpg","full":"/f.jpg"}]}}}'
     "</script>"), ["/f.jpg"]),
    ("names sm, md, xl", '<script>s = {"sm": {"url": "/a/1.jpg"}, "md": {"url": "/b/1.jpg"}, "xl": {"url": "/c/1.jpg"}}</script>',
     ["/c/1.jpg"]),
    ("folders sm and xl", '<img src="/sm/look.jpg"><img src="/xl/look.jpg">', ["/xl/look.jpg"]),
    ("retina suffix", '<img src="/look.jpg"><img src="/look@2x.jpg">', ["/look@2x.jpg"]),
    ("sizes in a path", '<img src="/w_320,c_limit/look.jpg"><img src="/w_1280,c_limit/look.jpg">',
     ["/w_1280,c_limit/look.jpg"]),
    ("Conde Nast", f"<script>window.__STATE__ = {json.dumps(VOGUE)}</script>",
     [f"/photos/5c0fe0a1e2f5f42d1bb1d1e{n}/master/pass/look.jpg" for n in (1, 2)]),
    ("WordPress", '<img src="/wp-content/uploads/2019/01/look-300x200.jpg">', ["/wp-content/uploads/2019/01/look.jpg"]),
    ("Shopify", '<img src="/cdn/shop/files/coat_300x300.jpg?v=12">', ["/cdn/shop/files/coat.jpg?v=12"]),
    ("pinimg", '<img src="https://i.pinimg.com/236x/ab/cd/ef/h.jpg">',
     ["https://i.pinimg.com/originals/ab/cd/ef/h.jpg"]),
    ("three sizes of a pin", "".join(f'<img src="https://i.pinimg.com/{s}/ab/cd/ef/h.jpg">' for s in ("236x", "474x", "564x")),
     ["https://i.pinimg.com/originals/ab/cd/ef/h.jpg"]),
    ("unclosed tags", "<div><p><b><a href='/x'><img src=/f.jpg >", ["/f.jpg"]),
    ("attributes without quotes", "<IMG SRC=/f.jpg ALT=look WIDTH=900>", ["/f.jpg"]),
    ("broken nesting", "<b><i></b><img src='/f.jpg'></i>", ["/f.jpg"]),
    ("conditional comment", "<![if !IE]><img src='/f.jpg'><![endif]><!--[if IE]><img src='/ie.jpg'><![endif]-->",
     ["/f.jpg"]),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_page_gives_what_a_person_sees(markup: str, wanted: list[str]) -> None:
    """Each habit lists each photo once, with its best URL, and nothing else."""
    found = parse_html(f"<html><body>{markup}</body></html>".encode(), URL).listings

    assert [one.image_url.removeprefix("http://a.example") for one in found] == wanted


def test_a_link_to_what_cannot_be_decoded_is_no_page() -> None:
    """The picture inside it waits for nothing, and the link is not followed."""
    found = parse_html(b'<a href="/f.jxl"><img src="/f.jpg"></a><a href="/g.heic"><img src="/g.jpg"></a>', URL)

    assert [(one.image_url[-5:], one.detail_url) for one in found.listings] == [("f.jpg", None), ("g.jpg", None)]
    assert not found.links


@pytest.mark.parametrize("unit", ['{"a":"\n}', "{}", "[\n", '{"a":', '["\n],[ ', '{"', "[["])
def test_json_that_goes_on_and_on_is_read_in_step_with_its_length(unit: str) -> None:
    """No text makes the reader begin again and again: a budget of its length is enough."""
    budget = Budget()
    json_value(unit * 20_000, budget)

    assert MAX_VALUES - budget.values < 20_000 * (len(unit) + 2)
