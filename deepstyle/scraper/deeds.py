"""Addresses that are no pages to visit (pure): something happens to who asks, or a page is shown once more to be printed."""

from __future__ import annotations

import re

_DOES = re.compile(  # a session ends, a cart fills, a comment is answered, a page is sent to a friend
    r"(?<![a-z0-9])(?:log|sign)[-_]?(?:out|off)(?=[/?&;=.]|$)|[?&](?:add[-_]to[-_](?:cart|bag|basket|wish-?list|compare)|remove_item)="
    r"|/(?:cart|bag|basket|wish-?list|compare|product_compare)/(?:index/)?(?:add|remove)(?=[/?;]|$)"
    r"|[?&]replytocom=\d|[?&]share=(?:facebook|twitter|x|pinterest|tumblr|reddit|email|linkedin|telegram|jetpack-whatsapp|print)(?=&|$)",
    re.IGNORECASE,
)
_PRINTS = re.compile(
    r"[?&](?:print|printable|print[-_]?(?:view|page|friendly))=(?:1|true|yes|y)(?=&|$)|[?&](?:view|layout|display|output|format)=print(?=&|$)",
    re.IGNORECASE,
)


DEED = re.compile(  # in the name of a function, or at the beginning of the name of a form's page: more than showing
    r"add|del|remove|buy|send|mail|vote|like|share|print|log_?(?:in|out)|cart|submit|upload|subscri", re.IGNORECASE
)
_ENDS = frozenset({"delete", "remove", "destroy", "unsubscribe"})  # names of pages that do it
_JUDGES = frozenset(
    {"vote", "upvote", "downvote", "like", "unlike", "follow", "unfollow", "subscribe"}
)  # with parameters
_CARTS = frozenset({"cart", "bag", "basket", "wishlist", "wish-list", "compare"})
_ASKS = frozenset({"action", "act", "do", "op", "cmd", "task"})  # parameters that say what is to be done
_TOLD = (
    _ENDS
    | _JUDGES
    | {"add", "buy", "logout", "addtocart", "add_to_cart", "add-to-cart", "add_to_wishlist", "add-to-wishlist"}
)


def acts(url: str) -> bool:
    """Whether something happens to who asks for an address: a session ends, a cart fills, a friend is told.

    >>> (
    ...     acts("https://a.example/look/3/delete"),
    ...     acts("https://a.example/cart?add=5"),
    ...     acts("https://a.example/cart-coats?p=2"),
    ... )
    (True, True, False)
    """
    if _DOES.search(url) is not None:
        return True
    head, _, query = url.partition("?")
    name = head.rstrip("/").rpartition("/")[2].lower().partition(".")[0]
    pairs = [pair.lower().partition("=") for pair in query.partition("#")[0].split("&")]
    if name in _ENDS or any(key in _ASKS and value in _TOLD for key, _, value in pairs):
        return True
    keys = {key for key, _, _ in pairs}
    return (name in _CARTS and not keys.isdisjoint({"add", "remove", "delete"})) or (
        name in _JUDGES and not keys.isdisjoint({"id", "up", "down", "post", "item", "photo", "look"})
    )


def prints(url: str, here: str) -> bool:
    """Whether an address shows the page ``here`` once more, to print it.

    >>> (
    ...     prints("https://a.example/1?print=1", "https://a.example/1"),
    ...     prints("https://a.example/?print=floral", "https://a.example/"),
    ... )
    (True, False)
    """
    return url.partition("?")[0] == here.partition("?")[0] and _PRINTS.search(url) is not None
