"""Classes of elements -> whether their pictures are no photos of the page (pure): faces, marks, advertisements, menus' tiles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

DECORATIONS = frozenset({
    "smilie", "smiley", "emoticon", "bbc_emoticon",
    "avatar", "gravatar", "logo", "custom-logo", "site-logo", "header-logo", "footer-logo", "navbar-logo", "emoji", "wp-smiley",
    "icon", "sprite", "favicon", "flag", "spinner", "woocommerce-placeholder", "swatch", "variable-item-image",
    "product-item-scu-item-color",  # Bitrix
})  # fmt: skip
APART = frozenset({
    "ad", "ads", "advert", "advertisement", "adsbygoogle", "ad-slot", "ad-banner", "ad-container", "ad-unit", "ad-wrapper",
    "banner-ad", "adunit", "ad-wrap", "google-auto-placed", "td-a-rec", "wpcnt", "sponsored-links", "taboola", "outbrain",
    "logo", "avatar", "navbar-brand", "payment-methods", "payment-icons",
    "payment-logos", "payments",
    "payment-list", "list-payment", "trust-badges", "language-switcher", "lang-switcher", "langs", "country-selector",
    "partner-logos", "author-bio", "author-box", "author-card", "author-info", "mega-menu", "megamenu",
    "cookie-banner", "cookie-consent", "cookie-notice", "cookie-bar", "cookieconsent",
    "newsletter", "related-posts", "related-articles", "as-seen-in", "as-featured-in", "press-logos", "client-logos",
    "footer-badges", "mini-cart", "minicart", "cart-drawer",
})  # fmt: skip
_BOXES = frozenset(
    {"a", "div", "span", "ul", "ol", "li", "aside", "ins", "p"}
)  # WordPress gives a whole body "wp-custom-logo"
_ADS = frozenset(
    {"amp-ad", "amp-sticky-ad", "amp-embed", "amp-auto-ads", "amp-next-page"}
)  # AMP's; the last shows other pages
_ADDED = frozenset({
    "sm", "md", "lg", "xs", "xl", "small", "large", "link", "wrap", "wrapper", "container", "box", "holder", "circle", "dot",
})  # fmt: skip
_NEWSLETTER = re.compile(  # a block that asks to subscribe; a page may be the archive of newsletters
    r"newsletter[-_]{1,2}(?:pop-?up|modal|overlay|sign-?up|subscri|section|module|block|box|banner|bar|form|widget|cta|footer)"
)
_GAPS = re.compile(r"[-_]+")
_HUMP = re.compile(r"(?<=[a-z\d])(?=[A-Z])")  # ColorSwatch, ContributorAvatar
_PARTS_OF = frozenset({
    "logo", "avatar", "icon", "flag", "spinner", "emoji", "headshot", "favicon", "swatch", "badge", "sprite", "userpic",
    "sticker",
})  # fmt: skip
_WRITERS = frozenset({"author", "byline", "profile", "contributor", "testimonial", "reviewer"})
_PICTURES = frozenset({"img", "image", "photo", "pic", "picture"})
_BLOCKS = frozenset({"card", "box", "bio", "info", "block"})  # author-card__photo
_BESIDE = frozenset({"with", "has", "no", "show", "hide"})  # card-with-icon


def is_decoration(attributes: Mapping[str, str]) -> bool:
    """Whether an img element's class says that it is an avatar, a logo, an emoji and the like."""
    return "class" in attributes and _decoration(attributes["class"])


def is_apart(tag: str, attributes: Mapping[str, str]) -> bool:
    """Whether what stands in an element is said to be no part of the page's own: advertisements, logos, marks of pay."""
    if tag not in _BOXES or not attributes:
        return tag in _ADS
    return ("class" in attributes and _apart(attributes["class"])) or ("id" in attributes and attributes["id"] in APART)


@lru_cache(maxsize=4096)
def _decoration(names: str) -> bool:
    return any(one in DECORATIONS or _decorates(one) for one in _written(names[:1_000]))


@lru_cache(maxsize=4096)
def _apart(names: str) -> bool:
    return any(
        one in APART
        or _NEWSLETTER.match(one) is not None
        or (
            ("logo" in one or "avatar" in one or "headshot" in one or "testimonial" in one)
            and _decorates(one.removesuffix("s"))
        )
        for one in _written(names[:300])
    )


def _written(names: str) -> list[str]:
    """Classes in small letters, those with humps with dashes, too."""
    return [*names.lower().split(), *(_HUMP.sub("-", one).lower() for one in names.split() if not one.islower())]


@lru_cache(maxsize=4096)
def _decorates(name: str) -> bool:
    """Whether a class is of a page's or block's mark or face: ``header__logo--small``, ``site-logo-img``, ``author-photo``."""
    words = _GAPS.split(name[:60].partition("--")[0])
    while len(words) > 1 and (words[-1] in _ADDED or words[-1].isdigit()):
        words.pop()
    if len(words) == 1:
        return words[0] in {"logo", "avatar", "icon", "swatch", "userpic"}
    pictured = words[-1] in _PICTURES
    last = next((one for one in reversed(words[: -1 if pictured else None]) if one not in _BLOCKS or not pictured), "")
    return last in (_PARTS_OF | _WRITERS if pictured else _PARTS_OF) and _BESIDE.isdisjoint(words)
