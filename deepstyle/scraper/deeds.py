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


def acts(url: str) -> bool:
    """Whether something happens to who asks for an address: a session ends, a cart fills, a friend is told."""
    return _DOES.search(url) is not None


def prints(url: str, here: str) -> bool:
    """Whether an address shows the page ``here`` once more, to print it.

    >>> (
    ...     prints("https://a.example/1?print=1", "https://a.example/1"),
    ...     prints("https://a.example/?print=floral", "https://a.example/"),
    ... )
    (True, False)
    """
    return url.partition("?")[0] == here.partition("?")[0] and _PRINTS.search(url) is not None
