"""HTML text -> start tags, end tags and texts (pure), within a budget: libxml2 through lxml, BeautifulSoup for the rest.

libxml2's push parser hands over one element after the other and keeps no tree, so memory and time are those of the
text, however it is nested. It is fed in pieces; between two of them the budget is looked at. BeautifulSoup reads a short
page again in which libxml2 has found nothing though tags are there, after an unclosed comment or title, say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from lxml import etree  # type: ignore[import-untyped]

from deepstyle.scraper.budget import Budget

PIECE = 32_768  # characters between two looks at the budget
MAX_TOLERANT = 10_000  # characters of a text that BeautifulSoup is asked to read
_TAGS = re.compile(r"<(?:img|a|picture|source|link)\s", re.IGNORECASE)


class Target(Protocol):
    """Who is told of a page's elements, in their order."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins; names are in lower case."""
        ...

    def end(self, tag: str) -> None:
        """An element ends."""
        ...

    def data(self, text: str) -> None:
        """A piece of text."""
        ...

    def close(self) -> None:
        """The page is over."""
        ...


def feed(text: str, target: Target, budget: Budget) -> None:
    """Tell ``target`` what is in the text, until the budget is spent."""
    parser = etree.HTMLParser(target=target, huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        for position in range(0, len(text), PIECE):
            if not budget.in_time():
                break
            parser.feed(text[position : position + PIECE])
        parser.close()
    except (etree.LxmlError, ValueError, AssertionError):
        target.close()


def feed_tolerantly(text: str, target: Target) -> None:
    """The same through BeautifulSoup and Python's own parser, for short texts: its time grows with the square."""
    if len(text) > MAX_TOLERANT or not _TAGS.search(text):
        return
    from bs4 import BeautifulSoup, ParserRejectedMarkup, Tag
    from bs4.element import NavigableString

    try:
        soup = BeautifulSoup(text, "html.parser")
    except ParserRejectedMarkup:  # a marked section that is none: Python's parser gives up
        try:
            soup = BeautifulSoup(text.replace("<![", "&lt;!["), "html.parser")
        except ParserRejectedMarkup:
            target.close()
            return
    open_tags: list[Tag] = []
    for one in soup.descendants:
        while open_tags and one.parent is not open_tags[-1]:
            target.end(open_tags.pop().name)
        if isinstance(one, Tag):
            values = {name: " ".join(value) if isinstance(value, list) else value for name, value in one.attrs.items()}
            target.start(one.name, values)
            open_tags.append(one)
        elif type(one) is NavigableString or getattr(one.parent, "name", "") in {"script", "style"}:
            target.data(str(one))
    target.close()
