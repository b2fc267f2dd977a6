"""How programs that galleries run on write sizes of a photo, as data (pure): rules of ``sites.py``, on any host.

Sources: the files that Coppermine, Piwigo, Gallery 3, ZenPhoto, Omeka, LiveJournal, Rails and Laravel's Media Library lay out,
what CONTENTdm, eMuseum, Plone and the Smithsonian document, how Wagtail, LiipImagine, SilverStripe, ProcessWire, Kirby, CS-Cart,
nopCommerce, Paperclip, CarrierWave and Movable Type name what they make smaller,
and the addresses in their pages; what Alibaba's, Qiniu's, Tencent's and Upyun's documents say that their stores do to a picture.
"""

from __future__ import annotations

# name, a text that every variant has, the variant, the originals
GALLERIES: tuple[tuple[str, ...], ...] = (
    ("coppermine", "/albums/", r"(https?://(?=[^?]*/albums/)(?>(?:[^/?]*+/)*))(?:thumb|normal)_([^/?]+)", r"\1\2",
     r"\1normal_\2"),
    ("piwigo", "/i/", (r"(https?://(?>(?:(?!/_data/i/)[^?])+)/)_data/i/((?:upload|galleries)/[^?]+)"
     r"-(?:sq|th|2s|xs|sm|me|la|xl|xx|cu_\w+)(\.\w+)"), r"\1\2\3", r"\1i.php?/\2-xx\3"),
    ("piwigo-script", "/i.php?/", (r"(https?://[^?]+/)i\.php\?/((?:upload|galleries)/[^?]+)"
     r"-(?:sq|th|2s|xs|sm|me|la|xl|cu_\w+)(\.\w+)"), r"\1\2\3", r"\1i.php?/\2-xx\3"),
    ("gallery3", "/var/", r"(https?://(?>(?:(?!/var/)[^?])+)/var)/(?:thumbs|resizes)/([^?]+)(?:\?.*)?", r"\1/albums/\2",
     r"\1/resizes/\2"),
    ("omeka", "/files/", r"(https?://[^?]+/files)/(?:square_)?thumbnails/([0-9a-f]{32}\.\w+)", r"\1/original/\2",
     r"\1/fullsize/\2"),
    ("omeka-larger", "/files/", r"(https?://[^?]+/files)/(?:fullsize|large|medium|square)/([0-9a-f]{32,40}\.\w+)",
     r"\1/original/\2", r"\1/large/\2"),
    ("contentdm", "/digital/api/", r"(https?://[^/?]+)/digital/api/singleitem/collection/([^/?]+)/id/(\d+)/thumbnail(?:\?.*)?",
     r"\1/iiif/2/\2:\3/full/max/0/default.jpg", r"\1/digital/iiif/\2/\3/full/full/0/default.jpg"),
    ("emuseum", "/media/dispatcher/", r"(https?://[^?]+/internal/media/dispatcher/\d+)/(?!full)[^/?]*+(?:\?.*)?", r"\1/full"),
    ("smithsonian", "/deliveryService?", r"(https?://ids\.si\.edu/ids/deliveryService\?id=[^&#]+)&max(?:_[wh])?=.*", r"\1"),
    ("plone", "/@@images/", r"(https?://(?>(?:(?!/@@images/)[^?])+)/@@images/[a-z_]*image)/[a-z]\w*", r"\1"),
    ("livejournal", "pics.livejournal.com/", r"(https?://ic\.pics\.livejournal\.com/[^?]+/\d+)_\d{2,4}(\.\w+)(?:\?.*)?",
     r"\1_original\2"),
    ("zenphoto", "/cache/", (r"(https?://(?>(?:(?!/cache/)[^?])+)/)cache/([^?]+?)(?:_\d{2,4})?_cw\d{1,4}_ch\d{1,4}(?:_thumb)?"
     r"(\.\w+)(?:\?.*)?"), r"\1albums/\2\3"),
    ("zenphoto-script", "/zp-core/i.php?", r"(https?://[^?]+/)zp-core/i\.php\?a=([^&#]+)&i=([^&#]+)(?:&.*)?", r"\1albums/\2/\3"),
    ("media-library", "/conversions/", r"(https?://[^?]+/\d++)/conversions/([^/?]+)-\w+(\.\w+)", r"\1/\2\3"),
    ("media-library-sizes", "/responsive-images/", r"(https?://[^?]+/\d++)/responsive-images/([^/?]+?)___\w+(\.\w+)",
     r"\1/\2\3"),
    ("alibaba", "x-oss-process=", r"(https?://[^?]+)\?(?![^#]*Signature=)(?:[^#]*&)?x-oss-process=.*", r"\1"),
    ("qiniu", "?image", r"(https?://[^?]+)\?image(?:View2?|Mogr2|slim)(?:[/|&].*)?", r"\1"),
    ("upyun", "!", r"(https?://[^?]+\.(?:jpe?g|png|webp|gif))![\w.-]{1,40}(?:\?.*)?", r"\1"),
    ("tilda", ".tildacdn.", (r"https?://(?:thb|optim)\.tildacdn\.(\w+)/(tild[\w-]+)/-/(?>(?:[^/?]+/)*)"
     r"([^/?]+?\.(?:jpe?g|png|webp|gif))(?:\.webp)?"), r"https://static.tildacdn.\1/\2/\3"),
    ("ameba", "stat.ameba.jp/", r"(https?://stat\.ameba\.jp/user_images/[^?]+)\?(?:caw|cpd|cat|cwd)=.*", r"\1"),
    ("ameba-thumbnail", "stat.ameba.jp/", r"(https?://stat\.ameba\.jp/user_images/(?>(?:[^/?]+/)*))t\d{8}_(\d{10,30}\.\w+)",
     r"\1o\2"),
    ("jimdo", "image.jimcdn.com/", r"(https?://image\.jimcdn\.com/app/cms/image/transf)/(?!none/)[^/?]+/(path/[^?]+)",
     r"\1/none/\2"),
    ("imgur", "i.imgur.com/", r"(https?://i\.imgur\.com/(?:\w{7}|\w{5}))[sbtmlh](\.\w+)", r"\1\2"),
    ("douban", ".doubanio.com/", r"(https?://img\d\.doubanio\.com/view/photo)/(?:m|s|sqxs|thumb|small)/(public/[^/?]+)",
     r"\1/l/\2"),
    ("tiendanube", "/stores/", (r"(https?://[^/?]*(?:tiendanube|nuvemshop)\.com(?:\.br)?/stores/[^?]+)"
     r"-(?!1024-)\d{2,4}-\d{1,4}(\.\w+)"), r"\1-1024-1024\2"),
    ("rails", "/representations/", (r"(https?://[^?]+/rails/active_storage)/representations/((?:redirect/|proxy/)?[^/?]+)/[^/?]+"
     r"/([^/?]+\.(?:jpe?g|png|webp|gif|avif))"), r"\1/blobs/\2/\3"),
    ("iiif-1", "/native.", (r"(https?://[^?]+)/(?:full|square|pct:[\d.,]+|\d+(?:,\d+){3})/(?!full/0/)[^/?]+/[\d.]+"
     r"/native\.(jpg|png)"), r"\1/full/full/0/native.\2"),
    ("duda", "lirp.cdn-website.com/", r"https?://lirp\.cdn-website\.com/([^?]+)/opt/([^/?]+)-\d{2,4}w(\.\w+)",
     r"https://irp.cdn-website.com/\1/\2\3"),
    ("lightspeed", "/shops/", (r"(https?://cdn\.(?:shoplightspeed|webshopapp)\.com/shops/\d+/files/\d+)/\d+x\d+x\d/([^/?]+)"
     r"(?:\?.*)?"), r"\1/\2"),
    ("big-cartel", "assets.bigcartel.com/", r"(https?://assets\.bigcartel\.com/product_images/[^?]+)\?.+", r"\1"),
    ("zara", "static.zara.net/", r"(https?://static\.zara\.net/[^?]+\?ts=\d+)&.+", r"\1"),
    ("wagtail", "/images/", (r"(https?://[^?]+)/images/([^/?]+?)\.(?:[0-9a-f]{8}\.)?(?:(?:width|height|max|min|fill|scale)-[\w-]+"
     r"|original)(?:\.(?:format|jpegquality|webpquality)-\w+)*(\.(?:jpe?g|png|webp|gif))"), r"\1/original_images/\2\3"),
    ("easy-thumbnails", "_q", r"(https?://[^?]+\.(?:jpe?g|png))\.\d{1,4}x\d{1,4}_q\d{1,3}[\w,-]*\.(?:jpe?g|png|webp)", r"\1"),
    ("sylius", "/media/cache/", r"(https?://[^/?]+)/media/cache/(?:resolve/)?sylius_\w+/([^?]+?)(?:\.webp)?",
     r"\1/media/image/\2"),
    ("liip", "/media/cache/", (r"(https?://[^/?]+)/media/cache/(?:resolve/)?[a-z]\w*/(?:rc/\w+/)?((?=[^?]*/)[^?]+"
     r"\.(?:jpe?g|png|gif))(?:\.webp)?"), r"\1/\2"),
    ("silverstripe", "/_resampled/", r"(https?://[^?]+)/_resampled/(?:[A-Za-z]+\d*-|[A-Za-z]+\w*/)([^/?]+)", r"\1/\2"),
    ("silverstripe-4", "__F", (r"(https?://(?>(?:(?!/assets/)[^?])+)/assets/[^?]+?)__(?:Fill|Fit|FitMax|FillMax)W[\w-]{1,80}"
     r"(\.\w+)"), r"\1\2"),
    ("processwire", "/site/assets/files/", r"(https?://[^?]+/site/assets/files/\d+/[^/?.]+)\.\d{1,4}x\d{1,4}[\w-]*(\.\w+)",
     r"\1\2"),
    ("kirby", "/media/", (r"(https?://[^?]+/media/(?:pages|site)/(?:[^/?]+/){0,6}\w+-\d+/[^/?]+?)-\d{1,4}x\d{0,4}(?:-crop[\w-]{0,30})?"
     r"(?:-(?:q\d{1,3}|bw|blur\d{0,3})){0,3}(\.\w+)"), r"\1\2"),
    ("cs-cart", "/images/thumbnails/", r"(https?://[^?]+/images)/thumbnails/\d+/(?:\d+/)?((?:detailed|variant_image)/[^?]+)",
     r"\1/\2"),
    ("nopcommerce", "/images/thumbs/", r"(https?://[^?]+/images/thumbs/(?:\d{3}/)?\d{7}_?[^/?]*?)_\d{2,4}(\.\w+)", r"\1\2"),
    ("paperclip", "/", (r"(https?://[^?]+/(?:system|spree)/(?:[a-z_]{1,40}/){1,4}(?:\d{1,9}/){1,4})(?:thumb|mini|small|medium|product|large)/([^/?]+)"
     r"(?:\?\d+)?"), r"\1original/\2", r"\1large/\2"),
    ("carrierwave", "/uploads/", (r"(https?://[^?]+/uploads/[a-z_]+/[a-z_]+/\d+/)(?:thumb|small|medium|mini|preview|list|large)_"
     r"([^/?]+)"), r"\1\2"),
    ("movable-type", "-thumb-", r"(https?://[^?]+?)-thumb-(?:\d{2,4}x\d{2,4}|\d{2,4}x?auto|autox\d+)-\d+(\.\w+)", r"\1\2"),
)  # fmt: skip
