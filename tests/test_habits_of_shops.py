"""What shops and content systems do as well: resizing servers, lists in attributes, viewers, icons in style sheets."""

from __future__ import annotations

import base64
import json
from html import escape

import pytest

from deepstyle.scraper.budget import Budget
from deepstyle.scraper.families import family
from deepstyle.scraper.pages import parse_html
from deepstyle.scraper.sites import ranked

URL = "http://a.example/shows/fall"
CROPS = [{"crops": {"square": {"url": "/1-a.jpg", "width": 600}, "original": {"url": "/1.jpg", "width": 2000}}},
         {"ratios": {"16:9": {"url": "/2-b.jpg"}, "1:1": {"url": "/2-c.jpg"}, "master": {"url": "/2.jpg"}}}]  # fmt: skip
OCC = {"images": [{"format": size, "imageType": "GALLERY", "galleryIndex": n, "url": f"/medias/{n}-{size}.jpg"} for n in (0, 1)
                  for size in ("product", "zoom", "thumbnail", "cartIcon")]}  # fmt: skip
S7 = "https://s7.example/is/image/B"
SANITY = "https://cdn.sanity.io/images/p/production"
SAP = {"GALLERY": [{size: {"url": f"/medias/?context={size[0]}{n}", "format": size} for size in ("product", "zoom", "thumbnail")}
                   for n in (1, 2)]}  # fmt: skip

# name, markup, the photos that a person sees (their best URLs), nothing else
PAGES: list[tuple[str, str, list[str]]] = [
    ("an icon's rule", "<style>.i{width:16px;height:16px;background:url(/i.png)} .h{width:100%;background:url(/1.jpg)}</style>",
     ["/1.jpg"]),
    ("an icon's style", '<img src="/i.png" style="width:16px;height:11px"><img src="/1.jpg" style="max-height:40px;width:300px">',
     ["/1.jpg"]),
    ("bullets, borders and masks", ("""<i style="list-style-image:url(/a.gif)"></i><i style="border-image:url(/b.png) 30"></i>"""
     """<i style="mask-image:url(/c.png)"></i><i style="list-style-image:url(/1.jpg)"></i>"""), ["/1.jpg"]),
    ("a sheet of icons", "<style>i{background:url(/x/sprite-icons.png)} b{background:url(/sprite-soda-dress.jpg)}</style>",
     ["/sprite-soda-dress.jpg"]),
    ("crops by their ratio", """<script type="application/ld+json">{"@type":"Product","image":["/1-1x1.jpg","/1-4x3.jpg",
     "/1-16x9.jpg","/2-1x1.jpg"]}</script>""", ["/1-1x1.jpg", "/2-1x1.jpg"]),
    ("what an object falls back to", ('<object data="/1.jpg" type="image/jpeg"><img src="/1-s.jpg"></object>'
     '<video poster="/2.jpg"><img src="/old/2.jpg"></video>'), ["/1.jpg", "/2.jpg"]),
    ("a download without an extension", '<a download="1.jpg" href="/dl?id=4"><img src="/t/4.jpg"></a>', ["/dl?id=4"]),
    ("a viewer that names its photo", '<a href="/viewer?img=/f/1.jpg&n=2"><img src="/t/1.jpg"></a>', ["/f/1.jpg"]),
    ("another site's viewer", '<a href="https://pin.example/?url=/f/1.jpg"><img src="/t/2.jpg"></a>', ["/t/2.jpg"]),
    ("short names of sizes", '<img src="/1_th.jpg"><a href="/1_full.jpg">enlarge</a><img src="/tn_2.jpg"><img src="/2.jpg">',
     ["/1_full.jpg", "/2.jpg"]),
    ("lists in attributes", '<img src="/1.jpg" data-images="/1.jpg,/2.jpg, /3.jpg"><div data-slides="/4.jpg|/5.jpg"></div>',
     ["/1.jpg", "/2.jpg", "/3.jpg", "/4.jpg", "/5.jpg"]),
    ("a box that a script or a ratio fills", ("<style>.r{height:0px;padding-bottom:150%;background:url(/1.jpg)}</style>"
     '<img src="/2.jpg" style="width:0px">'), ["/1.jpg", "/2.jpg"]),
    ("marks of networks, cards and blocks", ('<img src="/s/instagram-icon.png"><img src="/visa.png">'
     '<img class="footer__logo" src="/x.png">'
     '<img class="card__image" src="/instagram-look.jpg">'), ["/instagram-look.jpg"]),
    ("the largest of an object", """<i data-photos='{"all":[{"ThumbnailUrl":"/t/1.jpg","LargestImage":"/x/9.jpg"}]}'></i>""",
     ["/x/9.jpg"]),
    ("colours of a product", """<i data-p='{"colours":[{"swatch":"/c/red.png","views":["/1.jpg","/2.jpg"]},
     {"swatchImage":"/c/tan.png","views":["/3.jpg"]}],"swatches":[{"image":"/4.jpg"}]}'></i>""",
     ["/1.jpg", "/2.jpg", "/3.jpg", "/4.jpg"]),
    ("marks of pay, flags, stores and partners", "".join(f'<img src="/i/{one}">' for one in (
        "payment-icons.png?v=2", "flags/fr.png", "flag-it.png", "partner-logo-x.png", "trustpilot-stars.png",
        "google-play-badge.png", "paypal_280x280.png", "site-logo.png", "88x31.png", "attribute/swatch/red.jpg",
        "pin-it.png", "badges/norton.png", "subscribe.gif", "captcha.php?id=7", "newsletter-popup.jpg", "nav/a.gif",
        "social/ig.png", "qr.png", "sale-badge.png", "cookie.png", "print.gif", "maps/api/staticmap?size=600x300", "nav/a.jpg",
        "catalogo.png", "gift-card.png", "black-tee-with-logo.png"))
     + '<img src="https://x.adnxs.com/1.jpg"><img src="https://img.shields.io/badge/x.png"><img src="null" data-src="undefined">',
     ["/i/nav/a.jpg", "/i/catalogo.png", "/i/gift-card.png", "/i/black-tee-with-logo.png"]),
    ("faces and marks by their classes", "".join(f'<img class="{name}" src="/{at}.jpg">' for at, name in enumerate((
        "header-title-logo", "author-image", "contributor-avatar", "swatch-image", "cc-badge", "card-with-icon",
        "author-gallery", "avatar-sm"))), ["/5.jpg", "/6.jpg"]),
    ("boxes of logos, pay and advertisements", ('<body class="wp-custom-logo"><a id="logo"><img src="/a.jpg"></a>'
     '<a class="logo-link"><img src="/h.jpg"></a>'
     '<div class="site-logo"><img src="/b.jpg"></div><ul class="payment-methods"><li><img src="/c.jpg"></ul>'
     '<div class="related-posts"><a href="/x"><img src="/i.jpg"></a></div><ul class="mega-menu"><li><img src="/j.jpg"></ul>'
     '<div class="ads"><a href="/d.jpg"><img src="/e.jpg"></a></div><img src="/f.jpg" width="728" height="90">'
     '<img src="/g_728x90.jpg"><p class="load"><img src="/1.jpg"></p>'), ["/1.jpg"]),
    ("one box in several media", ("<style>.a{background:url(/1.jpg)} @media (max-width:700px){.a{background:url(/2.jpg)}"
     ".b{background:url(/3.jpg)}} @media(min-resolution:2dppx){.a{background:url(/4.jpg)}}"
     ".c::before{content:url(/i/cart.png)}</style>"),
     ["/4.jpg", "/3.jpg"]),
    ("viewers that turn", ('<div data-folder="https://c.example/s/" data-filename-x="{index}.jpg" data-amount-x="2"></div>'
     '<img src="/1.jpg" data-images="/r/###.jpg" data-frames="2"><i data-src="/{width}.jpg" data-count="3"></i>'),
     ["https://c.example/s/1.jpg", "https://c.example/s/2.jpg", "/1.jpg", "/r/001.jpg", "/r/002.jpg"]),
    ("a style that waits", '<i data-style="background-image: url(/1.jpg)"></i>', ["/1.jpg"]),
    ("elements of the page's own with sizes", ("""<x-image desktop-src="/d.jpg" mobile-src="/m.jpg"></x-image>"""
     """<user-avatar src="/u.jpg"></user-avatar><x-photo :sources='[{"media":"(min-width:8px)","srcset":"/f.jpg"},"""
     """{"media":"","srcset":"/s.jpg"}]'></x-photo>"""),
     ["/d.jpg", "/f.jpg"]),
    ("widths that names have", ('<img srcset="/a_800.jpg 800w, /a_2000.jpg 2000w"><img src="/b_2000.jpg"><img src="/b_200.jpg">'
     '<img src="/c_400.jpg"><img src="/c.jpg">'), ["/a_2000.jpg", "/b_2000.jpg", "/c.jpg"]),
    ("numbers that names have", '<img src="/a_800.jpg"><img src="/a_900.jpg">', ["/a_800.jpg", "/a_900.jpg"]),
    ("what frameworks bind", """<img v-lazy="'/1.jpg'"><img ng-src="/2.jpg"><img v-bind:src="`/3.jpg`"><img :src="photo.url">""",
     ["/1.jpg", "/2.jpg", "/3.jpg"]),
    ("attributes of a shop's or forum's own", ('<img ec-data-src="/1.jpg"><img src="/none.gif" file="/2-s.jpg" zoomfile="/2.jpg">'
     '<img src="/s/3.jpg" lowsrc="/3-low.jpg" alt="/x.jpg">'), ["/1.jpg", "/2.jpg", "/s/3.jpg"]),
    ("addresses without extensions that only servers of pictures have",
     (f"""<img src="{S7}/1?$list$" data-hover="{S7}/2?$list$"><script>x = {{url: "{S7}/3"}}</script>"""
     f"""<img src="{S7}/1_swatch?$a$"><img src="{S7}/4?$pdp_swatch$">"""), [f"{S7}/{at}?scl=1" for at in (1, 2, 3)]),
    ("a shop's own names of sizes",
     f'<script id="spartacus-app-state" type="application/json">{json.dumps(SAP).replace(chr(34), "&q;")}</script>',
     ["/medias/?context=z1", "/medias/?context=z2"]),
    ("a shop's list of sizes", f"<script>x = {json.dumps(OCC)}</script>", ["/medias/0-zoom.jpg", "/medias/1-zoom.jpg"]),
    ("addresses that a script fills in", ("""<script>x = [{"src": "/h_($height),w_($width)/v1/1.jpg", "imageURL": "/v1/1.jpg"},"""
     """{"url": "/i/%s/2.jpg"}]</script><img data-src="/i/%s/3.jpg" src="/3.jpg">"""), ["/v1/1.jpg", "/3.jpg"]),
    ("what stands for a photo, stars, codes and counters", "".join(f'<img src="{one}">' for one in (
        "/a/placeholder-portrait.png", "/no-image.jpg", "/no_photo_large.gif", "/i/star-full.png", "/stars_4.5.png",
        "/qr-code.png", "https://sp.analytics.yahoo.com/spp.pl?a=1", "https://px.ads.linkedin.com/collect/?fmt=gif", "https://mc.yandex.ru/watch/1",
        "https://t.co/i/adsct?a=1", "/matomo.php?idsite=1", "/cgi-bin/counter.cgi?id=1",
        "/star-1-dress.png", "/i/rock-star.png", "https://pixelmagazine.example/1.jpg")),
     ["/star-1-dress.png", "/i/rock-star.png", "https://pixelmagazine.example/1.jpg"]),
    ("crops of one photo", f"<script>x = {json.dumps(CROPS)}</script>", ["/1.jpg", "/2.jpg"]),
    ("faces on authors' cards", ('<img class="author-card__photo" src="/a.jpg"><div class="author-info"><img src="/b.jpg"></div>'
     '<img class="card__photo" src="/1.jpg"><img class="info-image" src="/2.jpg">'), ["/1.jpg", "/2.jpg"]),
    ("faces of journals and forums", ('<img src="https://l-userpic.livejournal.com/1/2"><img src="/uc/avatar.php?uid=1">'
     '<img src="/data/avatars/m/3/3451.jpg"><img class="asset-userpic" src="/x.jpg"><img src="/1.jpg">'), ["/1.jpg"]),
    ("an element with its sizes",
     '<zoom-image small="/s.jpg" large="/l.jpg"></zoom-image><x-view hd="/h.jpg" lqip="/q.jpg"></x-view>',
     ["/l.jpg", "/h.jpg"]),
    ("paths whose host puts a size before them", ('<img src="//c.example/img236x341/M/1_1_v1.jpg"><img '
     """src="//c.example/img600x866/M/1_1_v1.jpg"><script>x = {gallery: ["/M/1_1_v1.jpg", "/M/1_2_v1.jpg"]}</script>"""),
     ["http://c.example/img600x866/M/1_1_v1.jpg", "http://c.example/img600x866/M/1_2_v1.jpg"]),
    ("a page's own properties of swatches and cursors", ('<i style="--swatch--background:url(/a.png);--cursor:url(/b.png)"></i>'
     '<i style="--hero:url(/1.jpg)"></i>'), ["/1.jpg"]),
    ("tables of sizes, spinners and smileys", "".join(f'<img src="{one}">' for one in (
        "/files/size-chart.png?v=1", "/i/women_size_guide-2.jpg", "/a/spinner.gif", "/ajax-loader.gif", "/styles/smilies/x.png"))
     + '<img class="smilie" src="/x.png"><img src="/oversize-table-coat.jpg"><img src="/size-8-model.jpg">',
     ["/oversize-table-coat.jpg", "/size-8-model.jpg"]),
    ("classes with humps, swatches and faces", ('<label class="ColorSwatch" style="background-image:url(/i/black.jpg)"></label>'
     '<img class="MuiAvatar-img" src="/a.jpg"><picture class="ContributorImage-avatar"><img src="/b.jpg"></picture>'
     '<span class="swatch" style="background:url(/c.jpg)"></span><img class="variable-item-image" src="/d-50x50.jpg">'
     """<script>x = {"contributors": [{"image": {"url": "/e.jpg"}}], "images": ["/1.jpg"]}</script>"""
     '<div class="HeroImage" style="background:url(/2.jpg)"></div><img class="SwatchLook" src="/3.jpg">'),
     ["/1.jpg", "/2.jpg", "/3.jpg"]),
    ("licences, chips and what is seen through", "".join(f'<img src="{one}">' for one in (
        "/images/cc-by-nc-sa.png", "/pidgets/pin_it_button.png", "/450/chip/goods_450_chip.jpg", "/i/transparent-background.png",
        "https://64.media.tumblr.com/avatar_1a2b_64.pnj", "/chip/coat.jpg", "/look/blue_chip.jpg", "/transparent-dress.png")),
     ["/chip/coat.jpg", "/look/blue_chip.jpg", "/transparent-dress.png"]),
    ("a builder's names", f"""<script type="application/json">{{"items": [{{"mediaUrl": "a1b2c3_{'0a' * 16}~mv2.jpg", "metaData":
     {{"fileName": "l1.jpg"}}}}, {{"cover": "wix:image://v1/a1b2c3_{'0b' * 16}~mv2.png/l%202.png#originWidth=90"}}]}}</script>""",
     [f"https://static.wixstatic.com/media/a1b2c3_{'0a' * 16}~mv2.jpg",
      f"https://static.wixstatic.com/media/a1b2c3_{'0b' * 16}~mv2.png"]),
    ("widths as keys", """<script>looks = [{"sizes": {"320": "/m/a1.jpg", "1280": "/m/b7.jpg"}}, {"sizes": {"36": "/s/1.jpg",
     "38": "/s/2.jpg"}}, {"photos": {"640": "/p/1.jpg", "641": "/p/2.jpg"}}]</script>""",
     ["/m/b7.jpg", "/s/1.jpg", "/s/2.jpg", "/p/1.jpg", "/p/2.jpg"]),
    ("gaps for sizes in JSON", """<script>x = {"image": {"data": "https://c.example/s-1/images/stencil/{:size}/products/1/2/a.jpg"},
     "cards": ["/files/b_{width}x.jpg", "/files/{name}.jpg", "/p/w/{width}/c.jpg?ts=1"]}</script>""",
     ["https://c.example/s-1/images/stencil/original/products/1/2/a.jpg", "/files/b_2048x.jpg", "/p/w/2048/c.jpg?ts=1"]),
    ("references to images of which one is shown", f"""<img src="{SANITY}/{'0a' * 20}-20x30.jpg?w=9"><script>looks = [{{asset:
     {{_ref: "image-{'0a' * 20}-20x30-jpg"}}}}, {{asset: {{_ref: "image-{'0b' * 20}-20x30-png"}}}}]</script>""",
     [f"{SANITY}/{'0a' * 20}-20x30.jpg", f"{SANITY}/{'0b' * 20}-20x30.png"]),
    ("one image in several widths", """<script>x = {"pictures": [[{"id": 7, "url": "/b/7/P1.jpg", "width": 150}, {"id": 7, "url":
     "/b/7/P0.jpg", "width": 1280}], [{"id": 8, "url": "/b/8/P1.jpg", "width": 150}, {"id": 9, "url": "/b/9/P1.jpg", "width":
     1280}]]}</script>""", ["/b/7/P0.jpg", "/b/8/P1.jpg", "/b/9/P1.jpg"]),
    ("keys with pixels", """<script>x = {"image160pxUrl": "/e/1.jpg", "image1500pxUrl": "/e/2.jpg"}</script>""", ["/e/2.jpg"]),
    ("groups of images by size", """<script>x = {"imageGroups": [{"viewType": "large", "images": [{"link": "/g/1.jpg"}]},
     {"viewType": "small", "images": [{"link": "/s/2.jpg"}]}, {"viewType": "small", "variationAttributes": [{"id": "red"}],
     "images": [{"link": "/g/3.jpg"}]}, {"viewType": "hero", "images": [{"link": "/g/4.jpg"}]}], "more": [{"view_type": "large",
     "images": [{"link": "/k/1.jpg"}]}, {"view_type": "medium", "images": [{"link": "/k/2.jpg"}, {"link":
     "/k/3.jpg"}]}]}</script>""", ["/g/1.jpg", "/g/3.jpg", "/g/4.jpg", "/k/1.jpg", "/k/2.jpg", "/k/3.jpg"]),
    ("a builder that loads late", """<img src="data:image/gif;base64,R0lGOD"
     data-srclazy="//img1.wsimg.com/isteam/ip/a/1.jpg/:/rs=w:90"
     data-srcsetlazy="//img1.wsimg.com/isteam/ip/a/1.jpg/:/rs=w:90 90w">""", ["http://img1.wsimg.com/isteam/ip/a/1.jpg"]),
    ("options of zooms", """<img src="/m/1.jpg" data-cloudzoom="zoomImage: '/l/1.jpg', zoomPosition: 'inside'">
     <a href="javascript:void(0)" rel="{gallery: 'g', smallimage: '/m/2.jpg', largeimage: '/l/2.jpg'}"><img src="/t/2.jpg"></a>
     <img src="/m/3.jpg" data-options="{'largeText': 'Closer'}">""", ["/l/1.jpg", "/l/2.jpg", "/m/3.jpg"]),
    ("a forum's photos", ('<a href="/attachments/look-2-jpg.991/"><img src="/data/attachments/1/1-ab.jpg"></a>'
     '<a href="/attachments/looks-zip.7/">all</a><a href="./download/file.php?id=4&mode=view"><img src="/t/4.jpg"></a>'
     '<a href="/?action=dlattach;topic=1.0;attach=5;image"><img src="/t/5.jpg"></a>'),
     ["/attachments/look-2-jpg.991/", "/shows/download/file.php?id=4&mode=view", "/?action=dlattach;topic=1.0;attach=5;image"]),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "wanted"), [case[1:] for case in PAGES], ids=[case[0] for case in PAGES])
def test_a_page_gives_what_a_person_sees(markup: str, wanted: list[str]) -> None:
    """Each habit lists each photo once, with its best URL, and nothing else."""
    found = parse_html(f"<html><body>{markup}</body></html>".encode(), URL).listings

    assert [one.image_url.removeprefix("http://a.example") for one in found] == wanted


_CODED = base64.urlsafe_b64encode(b"https://b.example/1.jpg").decode().rstrip("=")
# addresses of one photo without https://, the one that is asked for first
SIZES: list[tuple[str, list[str]]] = [
    ("b.example/1.jpg", ["t.example/unsafe/1200x0/filters:quality(70)/b.example/1.jpg",
     "t.example/unsafe/fit-in/3x4/b.example/1.jpg",
     f"i.example/aB-c/rs:fit:300:0/{_CODED}.jpg", "i.example/aB-c/resize:fill:4:6/plain/https://b.example/1.jpg@webp"]),
    ("www.datocms-assets.com/1/2-1.jpg", ["www.datocms-assets.com/1/2-1.jpg?auto=format&w=400"]),
    ("media.graphassets.com/Hx9", ["media.graphassets.com/resize=width:4,height:6/output=format:webp/Hx9"]),
    ("photos.smugmug.com/A/i-1/0/X5/1-X5.jpg", ["photos.smugmug.com/A/i-1/0/Th/1-Th.jpg",
     "photos.smugmug.com/A/i-1/0/X2/1-X2.jpg"]),
    ("b.gumlet.io/1.jpg", ["b.gumlet.io/1.jpg?w=300&dpr=2"]),
    ("b.sirv.com/1.jpg", ["b.sirv.com/1.jpg?w=300&profile=Card"]),
    ("b.example/dw/image/v2/A_PRD/on/x/1.jpg", ["b.example/dw/image/v2/A_PRD/on/x/1.jpg?sw=400&sh=600&sm=fit"]),
    ("c.example/s/images/stencil/original/p/1.jpg?c=2", ["c.example/s/images/stencil/500x659/p/1.jpg?c=2",
     "c.example/s/images/stencil/80w/p/1.jpg?c=2"]),
    ("cdn11.bigcommerce.com/s-1/images/stencil/original/products/11/401/a__3.168.jpg?c=1",
     ["cdn11.bigcommerce.com/s-1/products/11/images/401/a__3.168.386.513.jpg?c=1"]),
    ("imagedelivery.net/k/1/public", ["imagedelivery.net/k/1/thumbnail"]),
    ("x.supabase.co/storage/v1/object/public/l/1.jpg", ["x.supabase.co/storage/v1/render/image/public/l/1.jpg?width=300"]),
    ("b.example/media/xyz1/1.jpg", ["b.example/media/xyz1/1.jpg?anchor=center&mode=crop&width=300&rnd=13",
     "b.example/media/xyz1/1.jpg?width=1200&rmode=max"]),
    ("b.example/images/looks/4.jpg?sfvrsn=a_3", ["b.example/images/looks/4.tmb-thumb300.jpg?sfvrsn=a_3"]),
    ("b.example/globalassets/5.jpg", ["b.example/globalassets/5.jpg?preset=card"]),
    ("b.example/getmedia/0a1b2c3d-1111-2222-3333-444455556666/6.jpg",
     ["b.example/getmedia/0a1b2c3d-1111-2222-3333-444455556666/6.jpg?width=300&ext=.jpg"]),
    ("b.example/documents/2/3/7.jpg/0b?t=16", ["b.example/documents/2/3/7.jpg/0b?t=16&imageThumbnail=1"]),
]  # fmt: skip


@pytest.mark.parametrize(("best", "others"), SIZES, ids=[best[:30] for best, _ in SIZES])
def test_the_sizes_of_one_photo_are_one_photo(best: str, others: list[str]) -> None:
    """Whatever size of it a page shows, its best address is asked for first, and what the page wrote comes behind."""
    for other in others:
        [found] = parse_html(f'<img src="https://{escape(other)}">'.encode(), URL, budget=Budget()).listings
        assert found.image_url == f"https://{best}"
        assert f"https://{other}" in found.fallbacks


def test_hosts_with_numbers_share_their_photos() -> None:
    """A photo is one on img1 and img4; what is called otherwise, and what is no text in base64, stays as it is written."""
    assert family("https://img1.b.example/1.jpg") == family("https://img4.b.example/1.jpg")
    assert family("https://shop1.b.example/1.jpg")[0] != family("https://shop2.b.example/1.jpg")[0]
    coded = "https://i.example/s/rs:1/aHR0c_____.jpg"
    assert ranked(coded) == (coded,)
