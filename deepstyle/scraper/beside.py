"""What stands beside a page's own photos (pure): other goods and posts, told by class or heading; links that carry marks.

A shop's page of one dress ends with what else it sells, a magazine's with what else to read: their pictures are thumbnails of
other pages. Only the words for that are known here, in the languages that shops are in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

MAX_HEADING = 60  # characters
HEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6"})
_WHOLE = frozenset({"html", "body", "main", "form"})  # what holds the page's own photos whatever it is called
_ABOUT = frozenset({"has", "with", "no", "show", "hide"})  # product-page has-related-products
_GAPS = re.compile(r"[-_]+")
_HUMP = re.compile(r"(?<=[a-z\d])(?=[A-Z])")
_NAMED = re.compile(
    r"(?<![^-])(?:(?:related|similar|recommended|suggested)-(?!image|photo|picture|look|view|media|galler)[a-z]+"
    r"|products?-(?:related|recommendations?|upsells?)|recommendations|recently-viewed|(?:may|might|you)-also-like|also-(?:bought|viewed)"
    r"|up-?sells?|cross-?sell(?:s|ing)?|popular-?posts?\d?|bookmark-card|products?-accessories|recirc(?:ulation)?|recommends?(?!-)|mini-?cart|cart-(?:drawer|items?)"
    r"|(?:tab|block|section)-related|other-(?:projects|products|posts|articles|items)|viewed-(?:products|items|goods))(?![^-])"
)
_ALONE = frozenset({"related", "crosssell", "crossselling"})
_HEADED = re.compile(
    r"you(?: may|'ll|\u2019ll| might)? (?:also |may also )?(?:like|love)(?: this| these)?"
    r"|we think you(?:'ll|\u2019ll) (?:like|love)(?: this| these)?"
    r"|(?:related|similar|suggested) (?!image|photo|picture|look|view|media|galler)\w{3,20}"
    r"|recommended (?:products|items|articles)"
    r"|related|recommended (?:for you|from .{1,30})|recently viewed(?: products| items)?"
    r"|(?:customers|others|people)(?: who bought this)? also (?:bought|viewed|liked)"
    r"|complete (?:the|your) look|(?:pairs|goes) well with|wear (?:it )?with|frequently bought together"
    r"|(?:popular|recent|more) (?:posts|articles|stories|artworks?|galleries)|(?:read|watch|up) next|read more"
    r"|more like this|more from (?!backstage|the (?:show|collection|runway)).{1,30}|more by .{1,40}"
    r"|you might (?:also )?(?:be interested in|enjoy)"
    r"|(?:nos )?autres (?:galeries|articles|produits|collections|mod\u00e8les)|\u00e0 lire aussi"
    r"|weitere (?:artikel|galerien|produkte)|lesen sie auch|auch interessant|altre gallerie|leggi anche|otras galer\u00edas"
    r"|lee tambi\u00e9n|\u0440\u0435\u043a\u043e\u043c\u0435\u043d\u0434\u0443\u0435\u043c(?: \u0442\u0430\u043a\u0436\u0435)?"
    r"|das k\u00f6nnte (?:ihnen|dir) auch gefallen|\u00e4hnliche (?:produkte|artikel)|kunden kauften auch|zuletzt "
    r"angesehen|passend dazu"
    r"|vous aimerez (?:peut-\u00eatre )?aussi|vous pourriez (?:aussi |\u00e9galement )aimer|(?:produits|articles) "
    r"(?:similaires|associ\u00e9s|li\u00e9s)"
    r"|(?:ti )?potrebbe(?:ro)? (?:anche )?(?:piacerti|interessarti)(?: anche)?|(?:prodotti|articoli) (?:correlati|"
    r"simili)"
    r"|tambi\u00e9n te puede gustar|te puede (?:interesar|gustar)|(?:productos|art\u00edculos) (?:relacionados|sim"
    r"ilares)"
    r"|voc\u00ea tamb\u00e9m pode gostar|produtos relacionados|gerelateerde producten|andere klanten kochten ook|r"
    r"elaterade produkter"
    r"|benzer \u00fcr\u00fcnler|podobne produkty|mohlo by se v\u00e1m l\u00edbit|katso my\u00f6s|du kanske ocks\u00e5 gillar"
    r"|\u0441 \u044d\u0442\u0438\u043c \u0442\u043e\u0432\u0430\u0440\u043e\u043c (?:\u043f\u043e\u043a\u0443"
    r"\u043f\u0430\u044e\u0442|\u0441\u043c\u043e\u0442\u0440\u044f\u0442)|\u043f\u043e\u0445\u043e\u0436\u0438"
    r"\u0435 \u0442\u043e\u0432\u0430\u0440\u044b"
    r"|\u0432\u0430\u043c (?:\u0442\u0430\u043a\u0436\u0435 )?\u043c\u043e\u0436\u0435\u0442 \u043f\u043e\u043d"
    r"\u0440\u0430\u0432\u0438\u0442\u044c\u0441\u044f|\u0432\u044b \u0441\u043c\u043e\u0442\u0440\u0435\u043b\u0438"
    r"|\u95a2\u9023\u5546\u54c1|\u304a\u3059\u3059\u3081\u5546\u54c1|\u6700\u8fd1\u30c1\u30a7\u30c3\u30af\u3057"
    r"\u305f(?:\u5546\u54c1|\u30a2\u30a4\u30c6\u30e0)"
    r"|\u3053\u306e\u5546\u54c1\u3092(?:\u8cb7\u3063\u305f|\u898b\u305f|\u8cfc\u5165\u3057\u305f)\u4eba\u306f.{0,20}|\u30e9\u30f3\u30ad\u30f3\u30b0"
    r"|\u76f8\u5173(?:\u4ea7\u54c1|\u5546\u54c1|\u63a8\u8350)|\u731c\u4f60\u559c\u6b22|\u76f8\u95dc(?:\u7522\u54c1"
    r"|\u5546\u54c1)"
    r"|most (?:viewed|read|popular|shared|commented)(?: (?:in|on|by) .{1,30}| (?:articles|stories|posts|galleries))?"
    r"|trending(?: now)?"
    r"|meist ?gelesen|les plus (?:lus|vus|populaires)|lo m\u00e1s (?:le\u00eddo|visto)|i pi\u00f9 letti"
    r"|\u0441\u0430\u043c\u043e\u0435 "
    r"(?:\u0447\u0438\u0442\u0430\u0435\u043c\u043e\u0435|\u043f\u043e\u043f\u0443\u043b\u044f\u0440\u043d\u043e\u0435)"
    r"|(?:\d{1,3} )?(?:other|autres|andere|otros|altri|outros|innych) \w{6,10} (?:in|dans|en|nella|na|w) (?:the|la|der|tej)?"
    r" ?(?:same|m\u00eame|gleichen|misma|stessa|mesma|samej|dezelfde) "
    r"(?:cat\u00e9gorie|category|kategorie|categor\u00eda|categoria|kategorii|categorie)"
    r"|(?:\u3053\u306e\u30d6\u30ed\u30b0\u306e)?(?:\u4eba\u6c17|\u95a2\u9023|\u6700\u65b0|\u304a\u3059\u3059\u3081)(?:\u306e)?\u8a18\u4e8b"
    r"|\uad00\ub828 ?\uc0c1\ud488|\ucd94\ucc9c ?\uc0c1\ud488|\ud568\uaed8 ?\uad6c\ub9e4\ud55c ?\uc0c1\ud488"
)
_LED = re.compile(  # a letter, a call, a button that tells a network, a shop of programs, a house's place in a network
    r"(?:mailto|tel|sms|whatsapp|viber|fb-messenger):|(?:https?:)?//(?:[\w-]{1,20}\.)?(?:facebook\.com/(?:sharer|share|dialog)"
    r"|(?:twitter|x)\.com/(?:intent|share)|pinterest\.\w{2,3}/pin/create|linkedin\.com/share|vk\.com/share|t\.me/share|wa\.me/|line\.me/"
    r"|(?:www\.)?paypal\.(?:me|com)/|online\.gov\.vn/|trustseal\.enamad\.ir/|logo\.samandehi\.ir/|ko-fi\.com/|patreon\.com/|apps\.apple\.com/|itunes\.apple\.com/|play\.google\.com/store|(?:facebook|instagram|twitter|x|tiktok|youtube|pinterest)\.com/@?[\w.-]{1,40}/?(?:\?|$))",
    re.IGNORECASE,
)
_HOME = re.compile(
    r"(?:https?:)?//[^/?#]{1,100}/?|/|\.{0,2}/|/[a-z]{2}(?:[-_/][a-z]{2})?/?|(?:\.{0,2}/)?(?:index|default|home)\.(?:html?|php|aspx?)",
    re.IGNORECASE,
)
_LOGO = re.compile(r"(?<![a-z])(?:logo|wordmark|home)(?![a-rt-z])", re.IGNORECASE)
_SIDES = frozenset({
    "sidebar", "side-bar", "widget-area", "primary-sidebar", "sidebar-primary", "blog-sidebar", "shop-sidebar",
})  # fmt: skip
_HEADS = frozenset({
    "header", "masthead", "site-header", "page-header", "main-header", "global-header", "topbar", "top-bar", "header-inner",
    "header-wrapper",
})  # fmt: skip
_MENU = re.compile(r"(?<![^-])(?:(?:mega|sub)?-?menus?|nav|nav-?bar|navigation|dropdown|flyout)(?![^-])")
_SHOWS = re.compile(
    r"thumb|galler|looks?(?![a-z])|photo|album|slide|carousel|project|portfolio|grid"
)  # it is of the page's own photos


def region(tag: str, attributes: Mapping[str, str], outer: str) -> str:
    """Which part of a page an element in ``outer`` belongs to: its ``main`` part, the ``head`` of its site, or none known."""
    if outer == "main" or tag in {"main", "article"}:
        return "main"
    if outer == "head" or tag in _WHOLE or (tag != "header" and not attributes):
        return outer
    names = f"{attributes.get('class', '')[:300]} {attributes.get('id', '')[:60]}".lower().split()
    return "head" if tag == "header" or attributes.get("role") == "banner" or not _HEADS.isdisjoint(names) else ""


def leads_on(tag: str, attributes: Mapping[str, str], place: str) -> bool:
    """Whether what leads to a page from inside an element of that ``region`` shows another page: a column beside it, a menu."""
    get = attributes.get
    if tag in _WHOLE or (tag not in {"nav", "aside"} and not attributes):
        return False
    names = f"{get('class', '')[:300]} {get('id', '')[:60]}" if attributes else " "
    column = tag == "aside" or get("role") == "complementary" or not _SIDES.isdisjoint(names.lower().split())
    if column or (place != "main" and (tag == "nav" or get("role") == "navigation")):
        return _SHOWS.search(names.lower()) is None
    return place == "head" and names != " " and _menu(names)


@lru_cache(maxsize=4096)
def _menu(names: str) -> bool:
    return any(_MENU.search(words) and _ABOUT.isdisjoint(words.split("-")) for words in map(_words, names.split()))


def is_beside(tag: str, attributes: Mapping[str, str], *, goods: bool) -> bool:
    """Whether an element is a page's foot, a link whose picture is a mark, or is said to hold other ``goods`` or posts."""
    if tag == "footer" or not attributes or tag in _WHOLE:
        return tag == "footer"
    if tag == "a" and _LED.match(attributes.get("href", "")[:200].strip()):
        return True
    names = f"{attributes.get('class', '')[:300]} {attributes.get('id', '')[:60]}" if goods else " "
    return names != " " and _named(names)


@lru_cache(maxsize=4096)
def _named(names: str) -> bool:
    for name in names.split():
        words = _words(name)
        if words in _ALONE or (_NAMED.search(words) and _ABOUT.isdisjoint(words.split("-"))):
            return True
    return False


def _words(name: str) -> str:
    """A class in small letters, its words with dashes between: ``CartDrawer``, ``cart_drawer--open``."""
    return "-".join(_GAPS.split(_HUMP.sub("-", name[:60]).lower().partition("--")[0]))


def heads_others(text: str) -> bool:
    """Whether a heading says that other goods or posts follow.

    >>> heads_others(" You may also like: "), heads_others("The looks")
    (True, False)
    """
    if len(text) > 4 * MAX_HEADING:
        return False
    words = " ".join(text.lower().split()).rstrip(" :\u2026.!?\u2192>")
    return len(words) <= MAX_HEADING and _HEADED.fullmatch(words) is not None


def is_home_mark(href: str, image: Mapping[str, str], place: str = "") -> bool:
    """Whether a link to a site's first page carries an image that is called a logo, or stands in the site's head."""
    if _HOME.fullmatch(href.strip()) is None:
        return False
    named = f"{image.get('src', '')[-100:].rpartition('/')[2]} {image.get('alt', '')[:60]}"
    return place == "head" or _LOGO.search(named) is not None
