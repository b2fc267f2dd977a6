"""What shops, magazines and image hosts do as well: sizes of one photo by each host's addresses, state in odd wrappings."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from html import escape
from typing import Any

import pytest

from deepstyle.scraper.budget import Budget
from deepstyle.scraper.families import family
from deepstyle.scraper.marks import unwanted
from deepstyle.scraper.pages import parse_html, parse_json
from deepstyle.scraper.sites import ranked
from deepstyle.scraper.state import nuxt3, turbo

URL = "http://a.example/shows/fall"
TWO = json.dumps({"photos": [{"url": "/i/1.jpg"}, {"url": "/i/2.jpg"}]})
TURBO = [{"_1": 2}, "loaderData", {"_3": 4}, "looks", [5, 8], {"_6": 7, "_10": 11}, "url", "/i/1.jpg", {"_6": 9}, "/i/2.jpg",
         "thumb", "/t/1.jpg"]  # fmt: skip
CACHE = "/media/catalog/product/cache/{}123456789abcdef0123456789abcdef/c/1.jpg"
INSTAGRAM = {"node": {"display_url": "/v/1_n.jpg?a=1", "thumbnail_src": "/v/x/1_n.jpg?a=2", "thumbnail_resources": [
    {"src": f"/v/{w}/1_n.jpg?a={w}", "config_width": w, "config_height": w} for w in (150, 640)]}}  # fmt: skip
MAGENTO = {"[data-role=gallery-placeholder]": {"gallery": {"data": [
    {"thumb": "/t/1.jpg", "full": "/f/1.jpg"}, {"thumb": "/t/2.jpg", "full": "/f/2.jpg"}]}}}  # fmt: skip
APOLLO = {"Look:1": {'image({"size":"small"})': "/s/1.jpg", 'image({"size":"large"})': "/l/1.jpg"}}
UNSPLASH = {"urls": {"full": "https://m.example/photo-1?x=1", "small": "https://m.example/photo-1?x=2"}, "profile_image": {
    "large": "https://m.example/face-1?w=1", "small": "https://m.example/face-1?w=2"}}  # fmt: skip

# name, markup, the photos that a person sees (their best URLs), nothing else
PAGES: list[tuple[str, str, list[str]]] = [
    ("Magento's selectors", f'<script type="text/x-magento-init">{json.dumps(MAGENTO)}</script>', ["/f/1.jpg", "/f/2.jpg"]),
    ("Instagram's thumbnails", f"<script>x = {json.dumps(INSTAGRAM)}</script>", ["/v/1_n.jpg?a=1"]),
    ("Apollo's arguments", f"<script>window.__APOLLO_STATE__={json.dumps(APOLLO)}</script>", ["/l/1.jpg"]),
    ("SvelteKit's text in JSON", f'<script type="application/json">{json.dumps({"status": 200, "body": TWO})}</script>',
     ["/i/1.jpg", "/i/2.jpg"]),
    ("flags, authors and persons", """<script>s = {"looks": [{"src": "/i/1.jpg"}], "flag": "/de.png", "by": [
     {"type": "author", "image": {"url": "/a.jpg"}}]}</script><script type="application/ld+json">{"@type": "Person",
     "image": "/b.jpg"}</script>""", ["/i/1.jpg"]),
    ("sizes in lists of one", """<img src="/1-standard.jpg"><script>s = {"sources": {"thumb": [{"url":
     "/1-thumb.jpg", "width": "120"}], "standard": [{"url": "/1-standard.jpg", "width": "800"}], "full": [{"url": "/1-full.jpg",
     "width": "1600"}]}}</script>""", ["/1-full.jpg"]),
    ("state in functions", """<script>new Vue({data: () => ({a: [{src: '/i/1.jpg'}]}), x: function (a, b) { return {p:
     '/i/2.jpg'} }})</script>""", ["/i/1.jpg", "/i/2.jpg"]),
    ("state in texts", r"""<script>a = "%7B%22image%22%3A%22%2Fi%2F1.jpg%22%7D"; window.b = '{"image":"/i/2.jpg"}';
     c = "{\"image\":\"/i/3.jpg\"}"; d = "{x}"</script>""", ["/i/1.jpg", "/i/2.jpg", "/i/3.jpg"]),
    ("Remix' stream", f"<script>x.streamController.enqueue({json.dumps(json.dumps(TURBO))});</script>", ["/i/1.jpg", "/i/2.jpg"]),
    ("base64", f'<script>d = JSON.parse(atob("{base64.b64encode(TWO.encode()).decode()}"))</script>', ["/i/1.jpg", "/i/2.jpg"]),
    ("an escaped script", f'<script type="application/json">{escape(TWO)}</script>', ["/i/1.jpg", "/i/2.jpg"]),
    ("Angular's escapes", f'<script type="application/json">{TWO.replace(chr(34), "&q;")}</script>', ["/i/1.jpg", "/i/2.jpg"]),
    ("a noscript with another size of a picture", ('<picture><source srcset="/s/2.webp 800w"><img srcset="/s/3.jpg 400w,/s/4.jpg '
     '800w"></picture><noscript><img src="/s/4.jpg"></noscript>'), ["/s/2.webp"]),
    ("a noscript with another picture", ('<figure><img class="lazy" data-src="/1.jpg" data-image="/1.jpg"></figure><noscript>'
     '<img src="/2.jpg"></noscript><img data-src="/2.jpg">'), ["/1.jpg", "/2.jpg"]),
    ("several backgrounds", """<i data-bg-multi="url(/1.jpg), url(/3.jpg)"></i><i data-bg-set="url('/2.jpg') 1x"></i>""",
     ["/1.jpg", "/3.jpg", "/2.jpg"]),
    ("attributes of one's own on a block", ("""<div data-image-desktop="/d/1.jpg" data-image-mobile="/m/1.jpg" """
     """data-items='[{"title":"x","image":"/p/2.jpg"}]'></div>"""), ["/d/1.jpg", "/p/2.jpg"]),
    ("sources of an element's picture", """<a data-src="/f.jpg" data-sources='[{"srcset":"/f/1.webp"}]'><img src="/t.jpg"></a>""",
     ["/f.jpg"]),
    ("elements of the page's own", ('<x-photo source="/1.jpg"></x-photo><look-card image="/2.jpg" image-hover="/3.jpg" href="/x">'
     '</look-card><v-img src="/4.jpg" lazy-src="/t/4.jpg"></v-img>'), ["/1.jpg", "/2.jpg", "/3.jpg", "/4.jpg"]),
    ("old arrays", '<script>var a = new Array("/1.jpg", \'/2.jpg\'); a[2] = "/3.jpg";</script>', ["/1.jpg", "/2.jpg", "/3.jpg"]),
    ("an image map", '<map><area href="/1.jpg"></map>', ["/1.jpg"]),
    ("another picture under the pointer", """<img src="/1.jpg" onmouseover="this.src='/2.jpg'" onmouseout="this.src='/1.jpg'">""",
     ["/1.jpg", "/2.jpg"]),
    ("sizes without extensions", f"<script>x = {json.dumps(UNSPLASH)}</script>", ["https://m.example/photo-1?x=1"]),
    ("what is no photo", ('<img class="avatar" src="/a.jpg"><img class="x site-logo" src="/b.jpg"><img src="/spacer.gif"><img '
     'src="https://pixel.wp.com/g.gif?x=1"><img src="https://secure.gravatar.com/avatar/1?s=96"><img src="/logo-tee.jpg">'),
     ["/logo-tee.jpg"]),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "wanted"), [case[1:] for case in PAGES], ids=[case[0] for case in PAGES])
def test_a_page_gives_what_a_person_sees(markup: str, wanted: list[str]) -> None:
    """Each habit lists each photo once, with its best URL, and nothing else."""
    found = parse_html(f"<html><body>{markup}</body></html>".encode(), URL).listings

    assert [one.image_url.removeprefix("http://a.example") for one in found] == wanted


# addresses of one photo without https://, the one that is asked for first
SIZES: list[tuple[str, list[str]]] = [
    ("m.example/1.jpg?auto=format&cs=srgb&w=1600", ["m.example/1.jpg?auto=format%2Ccompress&w=300&h=400&fit=crop"]),
    ("m.example/1.jpg?imwidth=5000&imdensity=1", ["m.example/1.jpg?imwidth=320", "m.example/1.jpg?im=Resize,width=400",
     "m.example/1.jpg?impolicy=thumb"]),
    ("m.example/1.jpg?optimize=high&auto=webp&width=1200&canvas=1:1", ["m.example/1.jpg?optimize=medium&width=300&format=pjpg"]),
    ("m.example/dw/1.jpg?sw=1800&sfrm=png&bgcolor=ffffff", ["m.example/dw/1.jpg?sw=300&sh=450&sm=fit"]),
    ("m.example/1.jpg?width=1200&quality=85&s=0b1c", ["m.example/1.jpg?width=300&quality=85&s=9d8e"]),
    ("m.example/p/w/2400/1.jpg?ts=1", ["m.example/p/w/750/1.jpg?ts=1", "m.example/p/1.jpg?ts=1&w=375"]),
    ("s7.example/is/image/B/1_a?scl=1", ["s7.example/is/image/B/1_a?$thumb$", "s7.example/is/image/B/1_a?wid=1600&hei=2400"]),
    ("cdn.media.amplience.net/i/b/1", ["cdn.media.amplience.net/i/b/1?w=300&fmt=auto&$poi$"]),
    ("images.ctfassets.net/s/a/t/1.jpg", ["images.ctfassets.net/s/a/t/1.jpg?w=1600&fl=progressive&fit=fill&f=faces"]),
    ("images.prismic.io/r/1.jpg", ["images.prismic.io/r/1.jpg?auto=compress,format&rect=0,0,12,18&w=12&h=18"]),
    ("a.storyblok.com/f/1/2x3/a/1.jpg", ["a.storyblok.com/f/1/2x3/a/1.jpg/m/400x600/smart/filters:quality(80)"]),
    ("b.example/1.jpg", ["https://t.example/unsafe/300x450/smart/https://b.example/1.jpg"]),
    ("ik.imagekit.io/a/1.jpg", ["ik.imagekit.io/a/tr:w-300,h-400/1.jpg", "ik.imagekit.io/a/1.jpg?tr=w-1200"]),
    ("b.twic.pics/1.jpg", ["b.twic.pics/1.jpg?twic=v1/cover=300x400"]),
    ("ucarecdn.com/0a-1b/", ["ucarecdn.com/0a-1b/-/resize/300x/-/format/auto/1.jpg"]),
    ("b.example/12/1.jpg", ["b.example/12-home_default/1.jpg", "b.example/12-large_default/1.jpg"]),
    ("b.example/content/images/2022/01/1.jpg", ["b.example/content/images/size/w600/2022/01/1.jpg"]),
    ("assets.website-files.com/5f/1.jpeg", ["assets.website-files.com/5f/1-p-500.jpeg"]),
    ("m.example/media/catalog/product/c/1.jpg", ["m.example" + CACHE.format(n) for n in (0, 1)]),
    ("live.staticflickr.com/7/1_ab_k.jpg", ["live.staticflickr.com/7/1_cd_m.jpg", "live.staticflickr.com/7/1_cd.jpg"]),
    ("66.media.tumblr.com/0/tumblr_p_1280.jpg", ["66.media.tumblr.com/0/tumblr_p_500.jpg"]),
    ("m.behance.net/project_modules/source/1.jpg", ["m.behance.net/project_modules/disp/1.jpg"]),
    ("pbs.twimg.com/media/1?format=jpg&name=orig", ["pbs.twimg.com/media/1?format=jpg&name=small",
     "pbs.twimg.com/media/1.jpg:large"]),
    ("lh3.googleusercontent.com/1a=s0", ["lh3.googleusercontent.com/1a=w300-h400-no", "lh3.googleusercontent.com/1a=s1600"]),
    ("miro.medium.com/v2/1*a.jpeg", ["miro.medium.com/v2/resize:fit:700/1*a.jpeg", "miro.medium.com/max/1400/1*a.jpeg"]),
    ("static01.nyt.com/images/1-superJumbo.jpg", ["static01.nyt.com/images/1-articleLarge.jpg?quality=75"]),
    ("x.farfetch-contents.com/1/2_3_1000.jpg", ["x.farfetch-contents.com/1/2_3_300.jpg"]),
    ("images.asos-media.com/products/d/1?$n_1920w$&wid=1926&fit=constrain",
     ["images.asos-media.com/products/d/1?$n_480w$&wid=476"]),
    ("m.example/dam/1.jpg", ["m.example/dam/1.jpg/jcr:content/renditions/cq5dam.web.1280.1280.jpeg"]),
    ("m.example/uploads/1_0123456789.jpg", ["m.example/uploads/large_1_0123456789.jpg"]),
    ("i.redd.it/1.jpg", ["preview.redd.it/1.jpg?width=640&crop=smart&auto=webp&s=b"]),
    ("m.example/1-1200Wx1800H.jpg?context=a", ["m.example/1-515Wx772H.jpg?context=b"]),
    ("a.example/_astro/1.a1b2c3d4.jpg", ["a.example/_astro/1.a1b2c3d4_Z1x2y3.webp"]),
]  # fmt: skip


def assert_listed_once(best: str, others: list[str]) -> None:
    """In either order of the sizes the page gives one photo: its best address, with all others behind."""
    written = [one if one.startswith("https:") else f"https://{one}" for one in (*others, best)]
    for urls in (written, written[::-1]):
        [found] = parse_html("".join(f'<img src="{escape(url)}">' for url in urls).encode(), URL).listings
        assert found.image_url == f"https://{best}"
        assert set(written) <= {found.image_url, *found.fallbacks}


@pytest.mark.parametrize(("best", "others"), SIZES, ids=[best[:30] for best, _ in SIZES])
def test_the_sizes_of_one_photo_are_one_photo(best: str, others: list[str]) -> None:
    """Whatever sizes a page shows of it, it is listed once, its best address first and what the page wrote behind."""
    assert_listed_once(best, others)


@pytest.mark.parametrize(
    "urls",
    ["m.example/1.jpg?v=1 m.example/1.jpg?v=2", "m.example/p?f=1 m.example/p?f=2", "m.example/q/1.jpg m.example/w/1.jpg",
     "s7.example/is/image/B/1?layer=0&src=a s7.example/is/image/B/1?layer=0&src=b", "b.example/12/1.jpg b.example/13/1.jpg",
     "live.staticflickr.com/7/1_ab_m.jpg live.staticflickr.com/7/2_ab_m.jpg", "a.example/w/17/1.jpg a.example/1.jpg",
     "a.example/w/2017/1.jpg a.example/w/2018/1.jpg",
     "miro.medium.com/v2/resize:fill:88:88/1*a.jpeg miro.medium.com/v2/1*a.jpeg", "m.example/p?token=1 m.example/p?token=2",
     "m.example/1.jpg?token=1 m.example/1.jpg?token=2", "m.example/t.jpg?f=1.jpg&w=300 m.example/t.jpg?f=2.jpg&w=300",
     "a.example/_astro/1.a1b2c3d4.jpg a.example/_astro/2.a1b2c3d4.jpg"],
)  # fmt: skip
def test_two_photos_stay_two(urls: str) -> None:
    """What a rule might take for sizes, and is a version, a number, a season or a script's parameter."""
    first, second = (f"https://{one}" for one in urls.split())
    assert family(first)[0] != family(second)[0]


def test_a_small_profile_picture_is_not_asked_for_in_large() -> None:
    """Faces beside pins and posts are no photos of the page; a site's own folders of the same name are."""
    assert unwanted("https://i.pinimg.com/75x75_RS/ab/cd/ef.jpg")
    assert not unwanted("https://a.example/profile_images/1.jpg")
    assert ranked("https://miro.medium.com/v2/resize:fill:88:88/1*a.jpeg")[0].endswith("88:88/1*a.jpeg")


@pytest.mark.parametrize(
    "odd", [[{"_1": 0}, "a"], [{"_9": 0}], [{"_\u00b2": 1}], [{"_1": 2}, "a", {"_\u00b2": 1}], [{}], [1], [{"_0": 0}]]
)
def test_streams_that_lead_nowhere_or_in_circles_end(odd: list[object]) -> None:
    """Whatever stands in a stream, its value is given, or the list itself."""
    turbo(odd, Budget())


@pytest.mark.parametrize("read", [turbo, nuxt3])
def test_what_stands_in_many_places_counts_in_each(read: Callable[[Any, Budget], Any]) -> None:
    """A list whose elements name the next one twice, fifty times on, is no tree of 2 ** 50 pictures: its end is not read."""
    budget = Budget(values=10_000)
    value = read([{"_1": 2}, "large", *([at + 1, at + 1] for at in range(2, 52)), "/1.jpg"], budget)

    assert budget.cut == "values"
    assert len(str(value)) < 100_000


def test_numbers_of_pictures_are_no_sizes() -> None:
    """Of a GraphQL cache, fields whose arguments differ in an id are two photos; those that differ in a size are one."""

    def seen(*fields: str) -> list[str]:
        cache = {name: f"http://a.example/{number}" for number, name in enumerate(fields, 1)}
        text = json.dumps({key: f"{url}.jpg" for key, url in cache.items()})
        return [one.image_url[-5:] for one in parse_json(text.encode(), URL).listings]

    assert sorted(seen('image({"id":"2000"})', 'image({"id":"2001"})')) == ["1.jpg", "2.jpg"]
    assert seen('image({"maxWidth":2000})', 'image({"maxWidth":300})') == ["1.jpg"]
    assert seen('image({"size":"small"})', 'image({"size":"large"})') == ["2.jpg"]
