"""Thumbnails and the pages they lead to (loop's memory): which picture is a page's own though it links to the next page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from deepstyle.records import Listing
from deepstyle.scraper.urls import page_key, shape

INDEX = 3  # pictures, each of which links to another page of a series: the page that shows them is none of the series


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
    """Pages for which thumbnails wait, and whose own picture links to the next page of their series, or back."""

    def __init__(self) -> None:
        self._indexes: set[str] = set()
        self._leading: set[str] = set()

    def own(
        self, listings: Sequence[Listing], page: str, thumbnails: Iterable[Listing], known: Callable[[str], object]
    ) -> Listing | None:
        """The page's own picture, if that is what it does; from now on the page ``leads``. ``thumbnails``: what waits for it.

        It is the only new one that links on, and no new picture stands there without a link. ``known``: whether an image URL is.
        """
        back = {one.page_url for one in thumbnails}
        new = [one for one in listings if one.page_url == page and not known(one.image_url)]
        linked = [(one, one.detail_url) for one in new if one.detail_url and one.detail_url != page]
        on = [one for one, url in linked if url in back or akin(url, page)]
        if len(on) >= INDEX and len({one.detail_url for one in on}) == len(on):
            self._indexes.add(page_key(page))
        if not back or len(on) != 1 or any(one.detail_url is None for one in new):
            return None
        self._leading.add(page_key(page))
        return on[0]

    def leads(self, key: str, one: Listing, new: set[str], waiting: Iterable[Listing]) -> bool:
        """Whether the page of this key shows what a thumbnail stands for; what the page before it shows large is no thumbnail.

        ``new``: what it shows by itself, and the thumbnail's page does not. ``waiting``: all thumbnails of this page; those
        that stand beside this one are not what the page is about.
        """
        if new - {other.image_url for other in waiting if other.page_url == one.page_url}:
            return True
        outside = page_key(one.page_url) in self._indexes or not akin(one.page_url, one.detail_url or "")
        return key in self._leading and outside


def to_list(one: Listing, here: str, own: Listing | None) -> Listing:
    """A picture as it is to be listed: a page's ``own`` waits for no page, one that is said to be on another for that one."""
    if one is own:
        return replace(one, detail_url=None)
    return one if one.page_url == here or one.detail_url else replace(one, detail_url=one.page_url)
