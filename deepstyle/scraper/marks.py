"""Pictures that are no photos of a page, by their addresses (pure): faces, marks, counters, placeholders, tables of sizes.

No pattern may look at a character more than a few times, whatever the URL: what could be read in two ways is possessive.
"""

from __future__ import annotations

import re

# Pictures that are no photos of a page, wherever they stand: faces, counters, what shops show instead of a photo.
_OTHERS = re.compile(
    r"gravatar\.com/avatar/|/buddyicons/|//l-userpic\.livejournal\.com/|\.tumblr\.com/avatar_|/avatar\.php\?|/(?:custom|data/|user)avatars/"
    r"|etsystatic\.com/(?:\d+/r/)?(?:iusa|isla|isc|isbl)/|/wp-content/themes/[\w.-]++/images/headers?/|\.svg/(?:\w{1,9}-)?\d+px-"
    r"|/\d{4}/\d\d/cropped-|tildacdn\.com/img/tilda|archive\.org/_static/|/(?:next|prev|previous)\.jpe?g(?:$|\?)"
    r"|/language/([a-z]{2}-[a-z]{2})/\1\.png|woocommerce-placeholder|facebook\.com/tr\?|pixel\.wp\.com/|twimg\.com/profile_images/"
    r"|pinimg\.com/\d+x\d+_RS/|(?:ct|assets)\.pinterest\.com/|/(?:blank|pixel|clear)\.gif"
    r"|/(?:spacer|transparent(?:[-_](?:background|bg|pixel))?|1x1|sprites?)\.(?:gif|png)|/chips?/[^/?.]*+(?<=[-_]chip)\."
    r"|/(?:[\w-]{1,20}[-_])?(?:spinner|loading|(?:pre)?loader)\.(?:gif|png|webp)|/(?:smil(?:ies|eys?|es?)|emoticons?)/"
    r"|/(?:[\w-]{1,40}[-_])?size[-_]?"
    r"(?:chart|guide|table)s?(?:[-_@][\w-]*)?\.(?:jpe?g|png|webp|gif)|/(?:[\w-]{1,40}[-_])?(?:guide[-_]?(?:des?[-_]?)?tailles?"
    r"|gr(?:oe|o|%C3%B6)(?:ss|%C3%9F)en[-_]?tabelle|(?:gu?ia|tabla)[-_]?(?:de[-_]?)?tallas|guida[-_]?(?:alle[-_]?)?taglie)[\w-]{0,20}\."
    r"|[-_/](?:728x90|468x60|320x50|970x90|970x250|160x600|120x600)[._]|/(?:attribute|images)/swatch/|/swatches/|/attribute_value_images/"
    r"|(?:(?<!\.jpg)_|/)[1-3]\dx[1-3]\d\.(?:jpe?g|png|webp|gif)(?:$|\?)"
    r"|[-_]swatch(?:\.(?:jpe?g|png|webp|gif)|[?&]|$)|[?&]\$(?:[\w-]{0,20}swatch[\w-]{0,20}|sw)\$"
    r"|/(?:[\w-]{1,40}[-_])?(?:placeholder|dummy|no[-_]?(?:image|photo|picture)|image[-_]not[-_]available)"
    r"(?:[-_@][\w-]*)?\.(?:jpe?g|png|webp|gif)"
    r"|//(?:[\w-]++\.)*(?:statcounter|quantserve|adsrvr|yadro|snapchat)\.(?:com|org|ru)/|mc\.yandex\.ru/|hm\.baidu\.com/"
    r"|//(?:blogpfthumb|storep)-phinf\.pstatic\.net/|//stat\.profile\.ameba\.jp/|//img\.echosting\.cafe24\.com/(?:skin|design)/"
    r"|//styles\.redditmedia\.com/|//img\d\.doubanio\.com/icon/|//widgets\.trustedshops\.com/|/accounts/(?:avatar|header)s/"
    r"|/users?/[^/?]{1,40}/profile\.(?:jpe?g|png|webp)|//(?:logos?|trustseal)\.|/image\.php\?u=\d|hearstapps\.com/rover/profile_photos/"
    r"|//t\.co/i/|//img\.shields\.io/|//api\.qrserver\.com/|//chart\.(?:googleapis|apis\.google)\.com/"
    r"|/maps/api/staticmap|//static-maps\.yandex\.|//api\.mapbox\.com/styles/|/staticmap/v\d|/REST/v1/Imagery/Map/"
    r"|//(?:pixel|px|track|tracking|tracker|analytics|sp\.analytics|beacon|counter|metrics|ads?|adserver)\.|/(?:piwik|matomo)\.php"
    r"|/[Cc]ount(?:er)?\.(?:cgi|php|pl)|/(?:[\w-]{1,20}[-_])?captcha[-_./?]"
    r"|/(?:[\w-]{1,20}[-_])?newsletter(?:[-_]?(?:pop-?up|modal|sign-?up|banner|bg|background))?"
    r"\.(?:jpe?g|png|webp|gif)"
    r"|/(?:[\w-]{1,20}[-_])?qr[-_]?code(?:[-_]\w{1,20})?\.jpe?g|bat\.bing\.com/|/s\.w\.org/images/core/emoji/|scorecardresearch\.com/|google(?:-analytics|tagmanager)\.com/|doubleclick\.net/"
    r"|//(?:[\w-]++\.)*(?:googlesyndication|amazon-adsystem|adnxs|criteo|taboola|outbrain|pubmatic|rubiconproject)\.(?:com|net)/"
)
_MARKS = re.compile(  # in formats of drawings: sheets of icons, marks of networks, pay, stores and partners, flags, logos
    r"/(?:[\w-]*[-_])?(?:icons?[-_]?sprites?|sprites?[-_]?icons?)(?:[-_@][\w-]*)?\.(?:gif|png|webp)"
    r"|/(?:(?:icon|ico|social|logo|cards?|pay|payments?|credit|cc)[-_])?(?:facebook|instagram|twitter|pinterest|youtube|tiktok|whatsapp|linkedin|visa|mastercard|paypal|amex"
    r"|klarna|apple-?pay|google-?pay|google-?play|app-?store"
    r"|trustpilot)(?:[-_](?:icon|logo|white|black|badge|stars|\d{2,4}x\d{2,4}|visa|mastercard|master|paypal|amex|klarna|maestro|sofort|apple-?pay|google-?pay))*\.(?:gif|png|webp)"
    r"|/(?:sepa|sofort|ideal|giropay|bancontact|unionpay|alipay|wechat-?pay|diners(?:-?club)?|jcb|mb-?way|hipercard|rupay)"
    r"(?:[-_](?:icon|logo|white|black|\d{2,4}))*\.(?:gif|png|webp)|/usps?/[^/?.]*+\.(?:gif|png|webp)|/(?:free|fast|express)-?(?:shipping|delivery|returns?)(?:[-_]\w{1,20})?\.(?:gif|png|webp)|/badges?(?:[-_][\w-]{1,20})?\.(?:gif|png|webp)|/etbis\.(?:png|jpe?g)"
    r"|/(?:[\w-]*[-_])?(?:payments?|cards?|shipping|trust|pay)[-_](?:icons?|logos?|methods?|marks?|badges?|options?)(?:[-_@][\w-]*)?\.(?:gif|png|webp)"
    r"|/(?:pin[-_]?it|cc[-_](?:by|zero)(?:[-_](?:nc|nd|sa))*|norton|mcafee|verisign|comodo|maestro|add-?to-?(?:cart|bag|basket|wish-?list)|buy-?now|subscribe|sign-?up"
    r"|submit|search|rss|close|hearts?|likes?|wish-?list|prev|previous|next|play|pause|zoom-?(?:in|out))(?:[-_](?:icon|logo|white|black|button|btn|on|off|over|\d{1,3}))*"
    r"\.(?:gif|png|webp)|/(?:payments?|trusted[-_]?shops?)(?:[-_](?:logo|seal|badge|\d{2,4}))*\.(?:gif|png|webp)"
    r"|/(?:trust|security|payment)[-_]badges?/[^/?.]*+\.(?:gif|png|webp)"
    r"|/(?:flags?|(?:(?:status|social|menu|post|topic|file|nav|ui)[-_]?)?icons?|favicons?|ranks?|(?:brand|partner|client)?[-_]?logos?|payments?|payment-?(?:icons|methods|logos)|emojis?|drapeaux?|flaggen|bandier[ae]|banderas)/[^/?.]*+\.(?:gif|png|webp)"
    r"|/(?:flag|icon\d{0,3}|favicon)[-_][\w-]{1,20}\.(?:gif|png)|/(?:arrow|chevron|caret|bullet|(?:ham)?burger)s?\.(?:gif|png|webp)"
    r"|/ic_[a-z\d_]{1,40}_\d\ddp(?:_\dx)?\.(?:png|webp)"
    r"|/(?:[a-z\d]{1,20}[-_])?logos?(?:[-_](?:white|black|dark|light|small|header|footer|mobile|\d{2,4}(?:x\d{0,4})?|x\d{2,4}))*(?:@\dx)?\.(?:gif|png|webp)"
    r"|/(?:stars?|ratings?)\d\.gif|/(?:counter|userinfo)\.gif|/(?:stars?|ratings?)[-_](?:full|half|empty|filled|on|off|\d(?:[-_.]\d)?)\.(?:gif|png|webp)"
    r"|/(?:[\w-]{1,20}[-_])?qr(?:[-_]?code)?(?:[-_]\w{1,20})?\.(?:gif|png)"
    r"|/(?:partner|client|sponsor|press)s?[-_]logos?[-_][\w-]*+\.(?:gif|png|webp)|/88x31\.png|/(?:[\w-]{1,20}[-_])?(?:noise|grain)(?:[-_]\w{1,20})?\.(?:gif|png|webp)"
    r"|/(?:sale|new|award|app|store|trust|secure|discount|promo)[-_]badge\.(?:gif|png|webp)|/cookies?(?:[-_]icon)?\.(?:gif|png|webp)"
    r"|/(?:badges?|nav|navigation|btns?|buttons?)/[^/?.]*+\.(?:gif|png)|/social/(?:fb|ig|insta|tw|yt|pin|x|rss|e?mail)\.(?:gif|png)"
    r"|/(?:[a-z\d]{1,20}[-_])?wordmarks?(?:[-_@][\w-]{1,20})?\.(?:gif|png|webp)|/(?:selos?|siegel|g(?:ue)?tesiegel)[-_][\w-]{1,40}\.(?:gif|png|webp)"
    r"|/(?:home|titles?|heading|masthead|welcome|(?:e-?)?mail|new\d?|print|contact|help|faq|menu|cart|basket|index|back|up|top|donate|log-?(?:in|out))(?:[-_](?:on|off|over|icon|btn))?\.gif"
    r"|/(?:btn|button|knopf|bouton|boton|bottone|bullet|arrow|divider|corner)s?(?:[-_]|(?=[A-Z]))[\w-]{1,30}\.(?:gif|png)|/[\w-]{1,30}[-_]bg\.gif"
)
_DRAWN_CARD = re.compile(  # what a page's program draws, or a house has, for networks to show beside a link
    r"/(?:opengraph|twitter)-image(?:-[a-z0-9]{4,8})?(?:\.(?:png|jpe?g))?(?:$|[?/])|/api/og(?:$|[/?])"
    r"|/(?:[a-z]{1,20}[-_])?(?:og|social|share|sharing|facebook|twitter)(?:[-_+ ]|%20)?(?:card|image|img|default|banner|preview)"
    r"s?(?:[-_]\w{1,20})?\.(?:png|jpe?g|webp)|/(?:default-)?og\.(?:png|jpe?g)",
    re.IGNORECASE,
)


_OWN_LOGO = re.compile(r"//([^/]++)/(?>(?:[^/]*+/)*)logo[-_]([a-z\d]{3,30})[^/]{0,20}\.(?:gif|png|webp)", re.IGNORECASE)


def is_drawn_card(url: str) -> bool:
    """Whether the address of an og:image says that it is made for networks, and is no photo of the page."""
    return _DRAWN_CARD.search(url[:500]) is not None


def unwanted(url: str, page: str = "") -> bool:
    """Whether an address is known to be of no photo: an avatar, a tracking pixel, a spacer, a sprite, a placeholder.

    A logo that is called as its own host is, or the host of the ``page``, is known by that.
    """
    head = url[:300]
    drawn = ".png" in head or ".gif" in head or ".webp" in head
    if _OTHERS.search(head) or (drawn and _MARKS.search(head)):
        return True
    own = _OWN_LOGO.search(head) if drawn and "logo" in head else None
    return (
        own is not None and own[2].lower() in f"{own[1]}{page[:100].partition('//')[2].partition('/')[0]}".lower()
    )  # logo-rosa.png, of atelier-rosa.example
