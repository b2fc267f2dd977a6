"""How programs that galleries run on write sizes of a photo, as data (pure): rules of ``sites.py``, on any host.

Sources: the files that Coppermine, Piwigo, Gallery 3, ZenPhoto, Omeka, LiveJournal, Rails and Laravel's Media Library lay out,
what CONTENTdm, eMuseum, Plone and the Smithsonian document,
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
)  # fmt: skip
