"""Thumbnails and the pages they lead to (loop's memory): which picture is a page's own though it links to the next page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from deepstyle.records import Listing
from deepstyle.scraper.urls import page_key, shape


def akin(one: str, other: str) -> bool:
    """Whether two pages are of one series by their URLs: equal but for numbers, or names in one folder.

    >>> akin("https://a.example/look/red-coat", "https://a.example/look/blue-dress")
    True
    """
    return shape(one) == shape(other) or _folder(one) == _folder(other)


def _folder(url: str) -> str:
    path, mark, query = url.partition("?")
    return f"{path.rpartition('/')[0]}{mark}{query}"


class Series:
    """Pages for which thumbnails wait, and whose own picture links to the next page of their series."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def own(self, listings: Sequence[Listing], page: str, known: Callable[[str], object]) -> Listing | None:
        """The page's own picture, if that is what it does; from now on the page ``leads``.

        It is the only new one that links on, and no new picture stands there without a link. ``known``: whether an image URL is.
        """
        new = [one for one in listings if one.page_url == page and not known(one.image_url)]
        on = [one for one in new if one.detail_url not in {None, page} and akin(one.detail_url or "", page)]
        if len(on) != 1 or any(one.detail_url is None for one in new):
            return None
        self._keys.add(page_key(page))
        return on[0]

    def leads(self, key: str, one: Listing) -> bool:
        """Whether the page of this key shows what a thumbnail stands for, which the page before it in the series does not."""
        return key in self._keys and not akin(one.page_url, one.detail_url or "")


def to_list(one: Listing, here: str, own: Listing | None) -> Listing:
    """A picture as it is to be listed: a page's ``own`` waits for no page, one that is said to be on another for that one."""
    if one is own:
        return replace(one, detail_url=None)
    return one if one.page_url == here or one.detail_url else replace(one, detail_url=one.page_url)
