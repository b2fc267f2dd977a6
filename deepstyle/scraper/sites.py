"""What is known of sites' image URLs, as data (pure): how to write the original of a size variant.

A rule's ``originals`` are templates for ``re.Match.expand``, the best first; ``{1}`` stands for group 1 without its percent
escapes, ``{b1}`` for what group 1 is the base64 of.
The URL as the page wrote it always comes last: whoever asks falls back along the list.
No pattern may look at a character more than a few times, whatever the URL: what could be read in two ways is possessive.
Sources: the vendors' documentation of their URL interfaces (Shopify, WordPress and Photon, Squarespace, Cloudinary, imgix,
Wix, Contentful, Sanity, Prismic, Storyblok, Scene7, Amplience, ImageKit, Uploadcare, TwicPics, Thumbor, Next.js, Nuxt Image,
Cloudflare Images, Drupal, MediaWiki, Shopware, Sitecore, the IIIF Image API, imgproxy, Gumlet, Sirv, DatoCMS, Hygraph,
Salesforce Commerce Cloud, BigCommerce, Umbraco, Sitefinity, Optimizely, Kentico, Liferay, VTEX, Directus,
Craft, Akamai, Bynder, Cafe24) and the addresses that the sites' own pages use.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from urllib.parse import unquote

from deepstyle.scraper.galleries import GALLERIES
from deepstyle.scraper.urls import resolve

_EXT = r"\.(?:jpe?g|png|webp|gif|avif)"
_SIZING = (
    r"(?:w|h|width|height|fit|crop|auto|q|quality|dpr|fm|format|rect|ar|imwidth|resize|ssl|strip|zoom|f|fl|r|bg|fp-[xyz]|scl|cs"
    r"|ixlib|sharp|max-?[wh]|min-?[wh])"
)
_PARAMETERS = rf"\?(?>(?:{_SIZING}=[^&]*+(?:&|$))+)$"

_STEP = r"(?:w|h|c|q|f|g|dpr|ar|fl|e|b|bo|r|x|y|z|t|o|a|l|u|co|d)"  # the parameters of a Cloudinary transformation
_STEP_VALUE = rf"{_STEP}_(?>(?:(?!%2C)[^/,?])+)"


@dataclass(frozen=True)
class Rule:
    """One site's or system's size variants: which URLs they are, and the originals to ask for, best first."""

    name: str
    hint: str  # every variant has this text
    variant: re.Pattern[str]
    originals: tuple[str, ...]


def _rule(name: str, hint: str, variant: str, *originals: str) -> Rule:
    return Rule(name, hint, re.compile(variant, re.IGNORECASE | re.DOTALL), originals)  # DOTALL: no .* at an end fails


RULES: tuple[Rule, ...] = (
    _rule("next", "/_next/image", r"(https?://[^?]+)/_next/image/?\?(?:[^#]*&)?url=([^&#]+).*",
          r"{2}", r"\1/_next/image?url=\2&w=3840&q=75"),
    _rule("vercel", "/_vercel/image", r"https?://[^?]+/_vercel/image/?\?(?:[^#]*&)?url=([^&#]+).*", r"{1}"),
    _rule("nuxt-ipx", "/_ipx/", r"(https?://[^/?]+)(?:/[^/?]+)*?/_ipx/[^/?]+/(https?:/+)?([^?]+).*", r"{2}/{3}"),
    _rule("cloudflare", "/cdn-cgi/image/", r"(https?://[^/?]+)/cdn-cgi/image/(?=[^/?=]*+=)[^/?]*+/(https?:/+)?(.+)", r"{2}/{3}"),
    _rule("pinimg", "i.pinimg.com/", r"(https?://i\.pinimg\.com)/\d+x\d*(?:_RS)?/(.+)", r"\1/originals/\2", r"\1/736x/\2"),
    _rule("photon", ".wp.com/", rf"https?://i[0-3]\.wp\.com/((?=[^/?]+\.[^/?])[^/?]++/[^?]+{_EXT})(?:\?.*)?", r"https://\1",
          r"https://i0.wp.com/\1"),
    _rule("wordpress.com", ".files.wordpress.com/", r"(https?://[^/]+\.files\.wordpress\.com/[^?]+)\?.+", r"\1"),
    _rule("wordpress-query", "uploads/", rf"(https?://[^?]+/wp-content/uploads/[^?]+{_EXT}){_PARAMETERS}", r"\1"),
    _rule("wordpress", "uploads/",
          rf"(https?://(?=[^?]+?/(?:wp-content/uploads|wp-uploads|app/uploads)/[^?-])[^?]+)-\d{{2,4}}x\d{{2,4}}({_EXT})(?:\?.*)?",
          r"\1\2", r"\1-scaled\2"),
    _rule("wordpress-scaled", "-scaled.", rf"(https?://(?=[^?]+?/wp-content/uploads/[^?-])[^?]+)-scaled({_EXT})(?:\?.*)?",
          r"\1\2"),
    _rule("shopify", "_", r"(https?://(?:cdn\.shopify\.com/s/files|[^/?]+/cdn/shop)/[^?]+?)"
          r"_(?:pico|icon|thumb|small|compact|medium|large|grande|original|master|\d+x\d*|x\d+)"
          rf"(?:_crop_[a-z]++)?(?:@\dx)?(?:\.progressive)?({_EXT})(?:\?(?:(?!v=)[^&#]*&)*(v=\d+)?[^#]*)?", r"\1\2?\3"),
    _rule("shopify-width", "?v=",
          r"(https?://(?:cdn\.shopify\.com/s/files|[^/?]+/cdn/shop)/[^?]+)\?(v=\d+)&(?:width|height|crop)=.*",
          r"\1?\2"),
    _rule("squarespace", ".squarespace",
          r"(https?://(?:images\.squarespace-cdn|static1\.squarespace)\.com/[^?]+)\?(?!format=original)format=.*",
          r"\1?format=original", r"\1?format=2500w"),
    _rule("cloudinary", "/image/",
          rf"(https?://[^?]+/image/(?:upload|private))/(?>(?:{_STEP_VALUE}(?>(?:(?:,|%2C){_STEP_VALUE})*)/)+)([^?]+)(?:\?.*)?",
          r"\1/\2"),
    _rule("imgix", ".imgix.net/",
          r"(https?://[^/?]+\.imgix\.net/[^?]+)\?(?!(?:[^#]*&)?s=)(?:w|h|fit|crop|auto|q|dpr|fm|ar|rect|cs|bg)=.*", r"\1"),
    _rule("framer", "framerusercontent.com/", r"(https?://framerusercontent\.com/images/[^?]+)\?.*", r"\1"),
    _rule("cloudflare-flexible", "imagedelivery.net/", r"(https?://imagedelivery\.net/[^/?]++/[^?]+)/(?!w=9999$)[a-z-]+=[^/?]*+",
          r"\1/w=9999", r"\1/public"),
    _rule("cloudflare-small", "imagedelivery.net/",
          r"(https?://imagedelivery\.net/[^/?]++/[^/?]++)/(?:thumb(?:nail)?s?|small|mini|tiny|preview)", r"\1/public"),
    _rule("akamai-query", "im=", rf"(https?://[^?]+{_EXT})\?im=(?:AspectCrop|Resize|Crop|Scale|FitAndFill)\b[^&#]*+", r"\1"),
    _rule("akamai-width", "imwidth=", rf"(https?://[^?]+{_EXT}\?(?:[^#&]*&)*?imwidth=)\d{{2,4}}((?:&.*)?)", r"\g<1>5000\2"),
    _rule("vtex", "/arquivos/ids/", r"(https?://[^?]+/arquivos/ids/\d++)(?:-[\w-]++)?(/[^/?]++)?"
          r"(?:\?(?>(?:(?!v=)[^&#]*+(?:&|$))*)(?>(v=\d++)?).*)?", r"\1\2?\3"),
    _rule("contentstack", "images.contentst", r"(https?://[\w-]*images\.contentstack\.(?:io|com)/v3/assets/[^?]+)\?.*", r"\1"),
    _rule("directus", "/assets/", r"(https?://[^?]+/assets/[0-9a-f]{8}-[0-9a-f-]{27}(?:/[^/?]++)?)"
          r"\?(?:width|height|quality|fit|format|key|transforms|withoutEnlargement)=(?!.*access_token=).*", r"\1"),
    _rule("craft", "/_", r"(https?://[^?]+/)_(?:\d++|AUTO)x(?:\d++|AUTO)_(?:crop|fit|stretch|letterbox)_[\w.-]++/(?:\d++/)?([^/?]++)(?:\?.*)?",
          r"\1\2"),
    _rule("godaddy", "wsimg.com/", r"(https?://img\d\.wsimg\.com/isteam/[^?]+?)/:/[^?]*+(?:\?.*)?", r"\1"),
    _rule("supabase", "/render/image/", r"(https?://[^/?]+/storage/v1)/render/image/(public/[^?]+)(?:\?.*)?", r"\1/object/\2"),
    _rule("bynder", "/webimage-", r"(https?://[^?]+/m/[0-9a-f]+)/webimage-([^/?]+)(?:\?.*)?", r"\1/original/\2"),
    _rule("bynder-transform", "/transform/",
          r"(https?://[^/?]+/transform/[0-9a-f-]{36}(?:/[^/?]++)?)/?\?(?:[^#]*&)?io=.*", r"\1"),
    _rule("cafe24", "/web/product/", r"(https?://[^/?]+/web/product/(?:extra/)?)(?:medium|small|tiny)/([^?]+)(?:\?.*)?",
          r"\1big/\2"),
    _rule("vbulletin", "attachmentid=", r"(https?://[^?]+/attachment\.php\?attachmentid=\d++)&(?=(?:[^#]*&)?thumb=1).*", r"\1"),
    _rule("wix", "static.wixstatic.com/", r"(https?://static\.wixstatic\.com/media/[^/?]+)/v1/(?:fill|fit|crop)/.*", r"\1"),
    _rule("shopify-query", "/files/",
          r"(https?://(?:cdn\.shopify\.com/s/files|[^/?]+/cdn/shop)/[^?]+)\?(?=(?:[^&#]*+&)*?(?:width|height|crop)=)"
          r"(?>(?:(?!v=)[^&#]*+(?:&|$))*)(?>(v=\d++)?).*", r"\1?\2"),
    _rule("imgix-library", ".imgix.net/", r"(https?://[^/?]+\.imgix\.net/[^?]+)\?(?!(?:[^#]*&)?s=)ix(?:lib|id)=.*", r"\1"),
    _rule("cloudinary-fetch", "/image/fetch/",
          r"https?://[^/?]+(?:/[^/?]+)?/image/fetch/(?:[^/?]+/){0,4}?(https?(?::|%3A).+)", r"{1}"),
    _rule("conde-nast", "/photos/",
          r"(https?://[^/?]+/photos/[0-9a-f]{16,32})/(?!master/pass/)(?:master|\d+:\d+)/[^/?]+/([^?]+)(?:\?.*)?",
          r"\1/master/pass/\2", r"\1/master/w_2560,c_limit/\2"),
    _rule("contentful", "images.c", rf"(https?://images\.(?:ctfassets\.net|contentful\.com)/[^?]+){_PARAMETERS}", r"\1"),
    _rule("sanity", "cdn.sanity.io/", rf"(https?://cdn\.sanity\.io/images/[^?]+){_PARAMETERS}", r"\1"),
    _rule("prismic", "images.prismic.io/", rf"(https?://images\.prismic\.io/[^?]+){_PARAMETERS}", r"\1"),
    _rule("storyblok", ".storyblok.com/", rf"(https?://a[^/?]*\.storyblok\.com/f/[^?]+?{_EXT})/m(?:/.*)?", r"\1"),
    _rule("scene7", "/is/image/", r"(https?://[^/?]+/is/image/[^?]+)(?:\?(?![^#]*?(?:layer|src|object|scl)=).*)?",
          r"\1?scl=1", r"\1?wid=2000"),
    _rule("amplience", ".media.amplience.net/", r"(https?://[^/?]+\.media\.amplience\.net/i/[^/?]+/[^/?]+)\?.*", r"\1"),
    _rule("asos", "asos-media.com/", r"(https?://images\.asos-media\.com/products/[^?]+)(?:\?.*)?",
          r"\1?$n_1920w$&wid=1926&fit=constrain"),
    _rule("farfetch", "farfetch-contents.com/", r"(https?://[^/?]+\.farfetch-contents\.com/[^?]+)_\d{2,4}(\.jpg)(?:\?.*)?",
          r"\1_1000\2"),
    _rule("magento", "/cache/",
          r"(https?://[^?]+?/media/catalog/product)/cache/(?:\d+/\w+/(?:\d*x\d*/)?)?[0-9a-f]{32}/([^?]+)(?:\?.*)?", r"\1/\2"),
    _rule("aem", "/renditions/cq5dam.",
          rf"(https?://[^?]+?{_EXT})/(?:_jcr_content|jcr(?::|%3A)content)/renditions/cq5dam\.[^/?]+", r"\1"),
    _rule("strapi", "/uploads/",
          r"(https?://[^?]+?/uploads)/(?:thumbnail|small|medium|large|xlarge)_([^/?]+_[0-9a-f]{10}\.\w+)", r"\1/\2"),
    _rule("reddit", "preview.redd.it/", r"https?://preview\.redd\.it/([^?]+)\?.*", r"https://i.redd.it/\1"),
    _rule("prestashop", "_default/", r"(https?://[^/?]+(?:/[^/?]+)*?/)(\d+)-[a-z]+_default/([^/?]+)(?:\?.*)?",
          r"\1\2/\3", r"\1\2-thickbox_default/\3"),
    _rule("ghost", "/content/images/size/",
          r"(https?://[^?]+?/content/images)/size/[wh]\d+(?:[wh]\d+)?/(?:format/\w+/)?([^?]+)(?:\?.*)?",
          r"\1/\2"),
    _rule("webflow", "-p-", r"(https?://[^/?]*(?:website-files|webflow)\.com/[^?]+)-p-\d{3,4}[\dxq]*(\.\w+)", r"\1\2", r"\1.jpg"),
    _rule("thumbor", "/unsafe/",
          r"https?://(?>(?:(?!/unsafe/)[^?])*)/unsafe/(?>(?:(?!https?(?::|%3A))[^/?]+/)*)(https?(?::|%3A).+)", r"{1}"),
    _rule("thumbor-host", "/unsafe/",
          r"https?://(?>(?:(?!/unsafe/)[^?])*)/unsafe/(?>(?:(?:\d*x\d*|-?\d+x-?\d+|fit-in|full-fit-in|smart|trim|(?:top|middle|bottom|left|center|right)"
          rf"|filters:[^/]*+)/)+)((?=[\w-]++\.[\w.-]++/)[^?]+{_EXT})", r"https://\1"),
    _rule("imgproxy-plain", "/plain/",
          r"https?://[^/?]++/[\w-]++/(?>(?:[a-z_]++:[^/?]*+/)+)plain/(https?(?::|%3A)[^@?]++)(?:@\w++)?", r"{1}"),
    _rule("imgproxy", ":", r"https?://[^/?]++/[\w-]++/(?>(?:[a-z_]++:[^/?]*+/)+)(aHR0c[\w-]++)(?:\.\w++)?", r"{b1}"),
    _rule("datocms", ".datocms-assets.com/", rf"(https?://[^/?]+\.datocms-assets\.com/[^?]+){_PARAMETERS}", r"\1"),
    _rule("hygraph", ".graphassets.com/", r"(https?://[^/?]+\.graphassets\.com/(?:[A-Za-z0-9]{15,}+/)?)"
          r"(?>(?:(?:resize|output|auto_image|quality|compress|crop|cache)=[^/?]*+/)+)([A-Za-z0-9]++)", r"\1\2"),
    _rule("gumlet", ".gumlet.io/", rf"(https?://[^/?]+\.gumlet\.io/[^?]+){_PARAMETERS}", r"\1"),
    _rule("sirv", ".sirv.com/", rf"(https?://[^/?]+\.sirv\.com/[^?]+?{_EXT})\?(?>(?:(?:w|h|s|q|profile|scale\.\w++|format"
          r"|crop\.\w++|canvas\.\w++)=[^&]*+(?:&|$))+)", r"\1", r"\1?profile=original"),
    _rule("demandware", "/dw/image/v2/",
          rf"(https?://(?>(?:(?!/dw/image/)[^?])+)/dw/image/v2/[^?]+?{_EXT})\?(?:[^#]*&)?s[whm](?:frm)?=.*", r"\1"),
    _rule("bigcommerce", "/images/stencil/",
          r"(https?://(?>(?:(?!/images/stencil/)[^?])+)/images/stencil)/(?:\d+x\d+|\d+w)/(.+)",
          r"\1/original/\2", r"\1/1280x1280/\2"),
    _rule("bigcommerce-product", "bigcommerce.com/",
          r"(https?://[^/?]+/s-\w++)/products/(\d++)/images/(\d++)/([^/?]+)\.\d{2,4}\.\d{2,4}(\.\w++)(\?.*)?",
          r"\1/images/stencil/original/products/\2/\3/\4\5\6", r"\1/images/stencil/1280x1280/products/\2/\3/\4\5\6"),
    _rule("umbraco", "/media/", rf"(https?://[^/?]+/media/[a-z0-9]{{4,10}}/[^/?]+{_EXT})"
          r"\?(?>(?:(?:anchor|mode|rmode|rxy|center|width|height|rnd|v|quality|format|ranchor|rsampler|cropmode|upscale|bgcolor|preset)=[^&]*+(?:&|$))+)",
          r"\1"),
    _rule("sitefinity", ".tmb-", r"(https?://(?>(?:(?!\.tmb-)[^?])+))\.tmb-[^/.?]*+(\.\w+(?:\?.*)?)", r"\1\2"),
    _rule("optimizely", "assets/", rf"(https?://[^/?]+/(?:globalassets|siteassets|contentassets)/[^?]+{_EXT})"
          r"\?(?:[^#]*&)?(?:preset|width|height|w|h|mode|maxwidth|maxheight|quality|format|transform)=.*", r"\1"),
    _rule("kentico", "/getmedia/", rf"(https?://(?>(?:(?!/getmedia/)[^?])+)/getmedia/[0-9a-f-]{{36}}/[^?]+{_EXT})"
          r"\?(?=(?:[^#]*&)?(?:width|height|maxsidesize)=).*", r"\1"),
    _rule("liferay", "imageThumbnail=", r"(https?://[^/?]++/documents/[^?]++)\?(?:(t=\d+)&)?imageThumbnail=\d", r"\1?\2"),
    _rule("smugmug", "photos.smugmug.com/", r"(https?://photos\.smugmug\.com/(?:[^/?]++/)*?)(Ti|Th|S|M|L|XL|X2|X3)/([^/?]+)-\2(\.\w+)",
          r"\1X5/\3-X5\4", r"\1X3/\3-X3\4"),
    _rule("imagekit-path", "/tr:", r"(https?://ik\.imagekit\.io/[^/?]+)/tr:[^/?]+/([^?]+)(?:\?.*)?", r"\1/\2"),
    _rule("imagekit", "ik.imagekit.io/", r"(https?://ik\.imagekit\.io/[^?]+)\?(?:[^#&]*&)*?tr=.*", r"\1"),
    _rule("twicpics", "twic=", r"(https?://[^?]+)\?twic=v1/.*", r"\1"),
    _rule("uploadcare", "/-/", r"(https?://(?:ucarecdn\.com|[^/?]+\.ucarecd\.net)/[^/?]+/)-/.*", r"\1"),
    _rule("flickr", "staticflickr.com/",
          r"(https?://(?:live|farm\d+|c\d+)\.staticflickr\.com/(?:\d+/){1,3}\d+_[0-9a-z]+)(?:_[sqtmnwzc])?(\.jpg)(?:\?.*)?",
          r"\1_b\2"),
    _rule("tumblr", "media.tumblr.com/",
          r"(https?://[^/?]+\.media\.tumblr\.com/(?:[^/?]+/)?tumblr_[^/?]+?)_(?:75sq|100|250|400|500|540|640)(\.\w+)",
          r"\1_1280\2"),
    _rule("behance", ".behance.net/", r"(https?://[^/?]+\.behance\.net/project_modules)/(?!source/)\w+/([^/?]+)(?:\?.*)?",
          r"\1/source/\2", r"\1/fs/\2"),
    _rule("twitter", "twimg.com/media/", r"(https?://pbs\.twimg\.com/media/[^/?.:]+)\?format=(\w+).*", r"\1?format=\2&name=orig"),
    _rule("hearst", "hips.hearstapps.com/", r"(https?://hips\.hearstapps\.com/[^?]+)\?(?:[^#]*&)?(?:resize|crop|fill)=.*", r"\1"),
    _rule("twitter-file", "pbs.twimg.com/media/", r"(https?://pbs\.twimg\.com/media/[^/?.:]+)\.(jpg|png)(?::\w+|\?.*)?",
          r"\1?format=\2&name=orig"),
    _rule("google", ".googleusercontent.com/", r"(https?://lh\d\.googleusercontent\.com/[^=?]+)=[swh]\d{3,4}(?:-[\w-]*)?",
          r"\1=s0"),
    _rule("medium", "miro.medium.com/", r"(https?://miro\.medium\.com)/(?:v2/)?(?:resize:\w+:\d{3,4}(?::\d{3,4})?|max/\d{3,4})/"
          r"(?:format:\w+/)?([^/?]+)", r"\1/v2/\2"),
    _rule("nyt", "static01.nyt.com/",
          r"(https?://static01\.nyt\.com/images/[^?]+?)-(?:article\w+|jumbo|facebookJumbo|popup|video\w+"
          r"|mobile\w+|threeBy\w+|verticalTwoBy\w+|medium\w+|large\w+|square\w*|thumb\w+|google\w+|blog\w+|hp\w+|slide|master\d+)(\.\w+)(?:\?.*)?",
          r"\1-superJumbo\2"),
    _rule("unsplash", "://images.", rf"(https?://images\.(?:unsplash|pexels)\.com/[^?]+){_PARAMETERS}", r"\1"),
    _rule("blogger", "blog",
          r"(https?://(?:\d\.bp\.blogspot\.com|blogger\.googleusercontent\.com)/.+?)/(?:s|w)\d{2,4}(?:-[^/]*)?/([^/?]+)",
          r"\1/s0/\2"),
    _rule("amazon", "._",
          rf"(https?://[^/?]+(?:media-amazon|images-amazon)\.com/images/(?>(?:[^/?]*+/)*)(?=[^/?]*_{_EXT}$)[^/?]*?)\._[^/?]+_({_EXT})",
          r"\1\2"),
    _rule("opencart", "/image/cache/",
          rf"(https?://(?>(?:(?!/image/cache/)[^?])+)/image)/cache/([^?]+)-\d{{2,4}}x\d{{2,4}}({_EXT})(?:\?.*)?", r"\1/\2\3"),
    _rule("drupal", "/files/styles/",
          rf"(https?://(?>(?:(?!/files/styles/)[^?])+)/files)/styles/[\w-]++/(?:public|s3)/([^?]+?{_EXT})(?:\.webp|\.avif)?(?:\?.*)?",
          r"\1/\2"),
    _rule("mediawiki", "/thumb/",
          r"(https?://(?>(?:(?!/thumb/)[^?])+))/thumb/([0-9a-f]/[0-9a-f]{2}/(?![^/?]*\.(?:pdf|djvu|web[mv]|og[gv])/)[^/?]++)/(?:lossy-)?(?:page\d+-)?\d++px-[^/?]++(?:\?.*)?",
          r"\1/\2"),
    _rule("nextgen", "-nggid",
          rf"(https?://(?>(?:(?!/gallery/)[^?])+)/gallery/[^/?]++(?:/[^/?]++)*?)/cache/([^/?]+?{_EXT})-nggid[^/?]++(?:\?.*)?",
          r"\1/\2"),
    _rule("nextgen-thumbs", "/thumbs/thumbs_",
          r"(https?://(?>(?:(?!/thumbs/thumbs_)[^?])+))/thumbs/thumbs_([^/?]++)(?:\?.*)?", r"\1/\2"),
    _rule("shopware", "/thumbnail/",
          rf"(https?://(?>(?:(?!/thumbnail/)[^?])+))/thumbnail/((?:[0-9a-f]{{2}}/){{3}}[^?]+)_\d{{2,4}}x\d{{2,4}}({_EXT})(?:\?.*)?",
          r"\1/media/\2\3"),
    _rule("cargo", "freight.cargo.site/", r"(https?://freight\.cargo\.site)/(?>(?:[wh]/\d+/)+)(?:q/\d+/)?i/(.+)",
          r"\1/t/original/i/\2"),
    _rule("aem-coreimg", ".coreimg.",
          r"(https?://(?>(?:(?!\.coreimg\.)[^?])+)\.coreimg)(?:\.\d++){1,2}(\.(?:jpe?g|png|webp)(?:/.*)?)", r"\1\2"),
    _rule("sitecore", "/media/", r"(https?://(?>(?:(?!/[-~]/media/)[^?])+)/[-~]/media/[^?]++)"
          r"\?(?=(?:[^#]*&)?(?:w|h|mw|mh|as|iar|hash|rev|sc)=).*", r"\1"),
    _rule("iiif", "/default.", r"(https?://(?!.*/full/max/0/default\.)[^?]+)/(?:full|square|pct:[\d.,]++|\d++(?:,\d++){3})"
          r"/(?:full|max|\^?!?\d*+,\d*+|\^?pct:[\d.]++)/!?[\d.]++/default\.(jpg|png|webp)",
          r"\1/full/max/0/default.\2", r"\1/full/full/0/default.\2"),
    _rule("europeana", "/thumbnail/v", r"https?://api\.europeana\.eu/thumbnail/v[^?]++\?(?:[^#]*&)?uri=([^&]++).*", r"{1}"),
    _rule("metmuseum", "images.metmuseum.org/",
          r"(https?://images\.metmuseum\.org/CRDImages/\w++)/(?!original/)[\w-]++/([^?]++)(?:\?.*)?",
          r"\1/original/\2", r"\1/web-large/\2"),
    _rule("futurecdn", ".futurecdn.net/", rf"(https?://[^/?]++/\w++)-\d{{2,4}}-\d{{2}}({_EXT})(?:\.webp)?", r"\1\2"),
    _rule("bbc", "ichef.bbci.co.uk/news/", r"(https?://ichef\.bbci\.co\.uk/news)/(?!1536/)\d++/(?:branded_\w++|cpsprodpb)/(.+)",
          r"\1/1536/cpsprodpb/\2", r"\1/1024/cpsprodpb/\2"),
    _rule("bbc-ace", "ichef.bbci.co.uk/ace/", r"(https?://ichef\.bbci\.co\.uk/ace/(?:standard|ws))/(?!2048/)\d++/(.+)",
          r"\1/2048/\2", r"\1/1024/\2"),
    _rule("ebay", "i.ebayimg.com/", r"(https?://i\.ebayimg\.com)/(?:thumbs/)?(images/g/[^/?]++)/s-l(?!1600)\d{2,4}(\.\w++)",
          r"\1/\2/s-l1600\3"),
    _rule("etsy", ".etsystatic.com/", r"(https?://i\.etsystatic\.com/[^?]+)/il_\d++x[\dN]++\.([^/?]++)(?:\?.*)?",
          r"\1/il_fullxfull.\2", r"\1/il_1588xN.\2"),
    _rule("alicdn", ".alicdn.com/", rf"(https?://[^/?]++/(?>(?:[^/?]*+/)*)[^/?]+?{_EXT})_[^/?]++(?:\?.*)?", r"\1"),
    _rule("ending-twice", "g_", rf"(https?://[^/?]++/(?>(?:[^/?]*+/)*)[^/?]+?{_EXT})_\d{{2,4}}x\d{{0,4}}(?:q\d\d)?{_EXT}(?:_\.webp)?",
          r"\1"),
    *(_rule(*one) for one in GALLERIES),
    _rule("weserv", ".nl/?",
          r"https?://(?:images\.weserv|wsrv)\.nl/\?(?:[^#]*&)?url=(?:(?:ssl:|https?(?::|%3A))(?:/|%2F)*)?([^&]++).*",
          r"https://{1}"),
    _rule("netlify", "/.netlify/images", r"https?://[^?]+/\.netlify/images/?\?(?:[^#]*&)?url=([^&#]++).*", r"{1}"),
    _rule("bitrix", "/upload/resize_cache/",
          r"(https?://[^/?]+)/upload/resize_cache/([^?]+?)/\d{1,4}_\d{1,4}_\w{1,40}/([^/?]+)(?:\?.*)?", r"\1/upload/\2/\3"),
    _rule("naver", ".pstatic.net/", rf"(https?://[\w-]+\.pstatic\.net/[^?]+{_EXT})\?type=\w++", r"\1"),
    _rule("rakuten", "thumbnail.image.rakuten", r"https?://thumbnail\.image\.rakuten\.co\.jp/@\w++/([^?]+)(?:\?.*)?",
          r"https://image.rakuten.co.jp/\1"),
    _rule("weixin", "mmbiz.qpic.cn/", r"(https?://mmbiz\.qpic\.cn/[^/?]+/[^/?]+)/[1-9]\d{1,3}(\?.*)?", r"\1/0\2"),
    _rule("weibo", ".sinaimg.cn/", r"(https?://[\w-]+\.sinaimg\.cn)/(?:orj\d+|mw\d+|bmiddle|thumb\w+|square|small|wap\d+)/([^/?]+)(?:\?.*)?",
          r"\1/large/\2"),
    _rule("filestack", "filestackcontent.com/",
          r"(https?://cdn\.filestackcontent\.com/)(?>(?:(?!security=)[a-z_]++=[^/?]*+/)+)(\w{12,})", r"\1\2"),
    _rule("address-in-path", "/https%3A%2F%2F", rf"https?://[^?]+?/(https%3A%2F%2F[^/?]+?{_EXT})(?:[/?].*)?", r"{1}"),
    _rule("resizing-script", "=", r"https?://[^/?]*+/(?>(?:[^/?]*+/)*)(?=[^/?]*?(?:thumb|resiz|image|img|scale|crop))[^/?]*+\?"
          r"(?=(?:[^#]*&)?(?:w|h|width|height|size|zc|mw|maxwidth)=)(?:[^#&]*&)*?(?:url|src|uri|image|img|file|path|source|filename)="
          rf"((?:https?(?::|%3A)|/|%2F)[^&]*?{_EXT})(?:&.*)?", r"{1}"),
)  # fmt: skip

MAX_RULES = 3  # applied to one URL, one after the other: Photon before WordPress, say
_PIECE = re.compile(r"\{(b?)(\d)\}")


def _expanded(template: str, match: re.Match[str], url: str) -> str:
    if "{" not in template:
        return resolve(url, match.expand(template).rstrip("?"))
    text = _PIECE.sub(lambda piece: _written_out(match[int(piece[2])] or "", coded=piece[1] == "b"), template)
    text = re.sub(r"^(https?):/+", r"\1://", text)
    return resolve(url, text if text.startswith(("http", "/")) else f"/{text}") if text else ""


def _written_out(text: str, *, coded: bool) -> str:
    """A group of a match without its percent escapes, or what it is the base64 of; empty where it is of no text."""
    if not coded:
        return unquote(text)
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def ranked(url: str) -> tuple[str, ...]:
    """The URLs at which the photo of a normal URL may be had: the original first, the URL itself last."""
    found: list[str] = []
    current = url
    for _ in range(MAX_RULES):
        hit = next(
            ((rule, match) for rule in RULES if rule.hint in current and (match := rule.variant.fullmatch(current))),
            None,
        )
        if hit is None:
            break
        urls = [one for template in hit[0].originals if (one := _expanded(template, hit[1], current))]
        if not urls or urls[0] == current:
            break
        found = [*urls, *found]
        current = urls[0]
    return tuple(dict.fromkeys([*found, url]))
