"""JSON answers -> the URL of the next part, where they say it as a number or a cursor (pure).

``{"next_page": 2}``, ``{"page": 1, "total_pages": 9}``, ``{"offset": 0, "limit": 24, "total": 90}``, ``{"next_cursor": "abc"}``
mean the URL that gave the answer with its parameter changed. A URL without such a parameter
gets one as the answer calls it; that of a page's number is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

MAX_LEVELS, MAX_KEYS = 4, 300  # of the objects that may count parts, and of one of them
_AROUND = re.compile(  # objects that hold the counters, by their keys
    r"meta|pag(?:e|er|ing|ination|inator|einfo)|info|data|links|response|results?|cursors?|looks|products|photos|items"
)
_IN_PATH = re.compile(r"(/page/)(\d{1,5})(?=/?(?:\?|$))", re.IGNORECASE)
_NAME = re.compile(r"[^a-z]")
_CURSOR = re.compile(r"(?!https?:|/|true|null)[^\s?<>]{1,500}", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Habit:
    """How one kind of series is told: the URL's parameters, and the answer's keys, the surest first, in small letters only."""

    parameters: tuple[str, ...]
    following: tuple[str, ...]  # what the parameter is to be for the next part
    current: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    total: tuple[str, ...] = ()  # how many things there are
    step: tuple[str, ...] = ()  # how many of them one part has


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TOTAL = _words("total totalcount totalitems totalresults totalrecords numfound found count")
_STEP = _words("perpage limit pagesize itemsperpage resultsperpage size rows count")
PAGES = Habit(
    parameters=_words("page p paged pg pagina seite pagenumber pageno pagenum pageindex currentpage"),
    following=_words("nextpage nextpagenumber nextpageno nextpageindex next"),
    current=_words("currentpage pagenumber pageno pageindex pagenum paged page current"),
    last=_words("totalpages pagestotal pagecount numpages maxnumpages maxpages lastpage totalpagecount pagetotal pages"),
    total=_TOTAL, step=_STEP,
)  # fmt: skip
OFFSETS = Habit(
    parameters=_words("offset start skip from startindex"),
    following=_words("nextoffset nextstart nextskip nextindex next"),
    current=_words("offset start skip from startindex"),
    total=_TOTAL, step=_STEP,
)  # fmt: skip
CURSORS = Habit(
    parameters=_words("cursor after maxid pagetoken token nexttoken continuation nextcursor startafter bookmark"),
    following=_words(
        "nextcursor endcursor nextmaxid nextpagetoken nexttoken nextbookmark next continuation cursor after bookmark"
    ),
)
_ECHOED = {  # what an answer counts -> the parameter that asks for it
    OFFSETS: {"offset": "offset", "start": "start", "skip": "skip", "nextoffset": "offset"},
    CURSORS: {"nextcursor": "cursor", "endcursor": "after", "nextpagetoken": "pageToken"},
}
_MORE = _words("hasmore hasnext hasnextpage morepages moreavailable")


def next_part(value: Any, url: str) -> str:
    """The URL of the part after a JSON answer that ``url`` gave, where the answer says it; else an empty text."""
    counters = list(_counters(value, 0))
    for habit in (PAGES, OFFSETS, CURSORS):
        match = _parameter(url, habit) or (_IN_PATH.search(url) if habit is PAGES else None)
        told = match and next((one for each in counters if (one := _following(each, habit, unquote(match[2])))), None)
        if match and told:
            return f"{url[: match.start(2)]}{quote(told, safe='', errors='replace')}{url[match.end(2) :]}"
    return "" if _parameter(url, PAGES) or _IN_PATH.search(url) else _echoed(counters, url)


def _echoed(counters: list[dict[str, Any]], url: str) -> str:
    """The same for a URL without a parameter: the answer calls an offset, or a cursor, as its parameter is called."""
    for habit, names in _ECHOED.items():
        for each in counters if not _parameter(url, habit) else ():
            name = next((told for key, told in names.items() if key in each), "")
            if name and (told := _following(each, habit, "")):
                return f"{url}{'&' if '?' in url else '?'}{name}={quote(told, safe='', errors='replace')}"
    return ""


def guessed_part(value: Any, url: str) -> str:
    """The same for a URL without a parameter, as most sites would read it; an empty text where the answer counts no pages."""
    if _parameter(url, PAGES) or _IN_PATH.search(url):
        return ""
    told = next((one for each in _counters(value, 0) if (one := _following(each, PAGES, ""))), None)
    return f"{url}{'&' if '?' in url else '?'}page={told}" if told else ""


def ends(value: Any) -> bool:
    """Whether a JSON answer says that nothing comes after it: it is the last page, or ``has_more`` is false."""
    for each in _counters(value, 1):
        here, last = _number(each, PAGES.current), _number(each, PAGES.last)
        if any(each.get(name) is False for name in _MORE) or (
            here is not None and last is not None and here >= last > 0
        ):
            return True
    return False


def _counters(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """The objects of an answer that may count its parts, the outer ones first; keys in lower letters only."""
    if not isinstance(value, dict) or depth >= MAX_LEVELS or len(value) > MAX_KEYS:
        return
    named = {_NAME.sub("", str(key)[:40].lower()): one for key, one in value.items()}
    yield named
    for key, one in named.items():
        if isinstance(one, dict) and (depth < 1 or _AROUND.fullmatch(key)):
            yield from _counters(one, depth + 1)


def _parameter(url: str, habit: Habit) -> re.Match[str] | None:
    """The first of the URL's parameters that is one of the habit's: name in group 1, its value in group 2."""
    found = re.finditer(r"[?&]([^=&#]{1,30})=([^&#]*)", url)
    return next((one for one in found if _NAME.sub("", unquote(one[1]).lower()) in habit.parameters), None)


def _following(named: dict[str, Any], habit: Habit, here: str) -> str | None:
    """What the parameter is to be for the next part, as one object of the answer says; None when it says nothing of it."""
    if any(named.get(name) is False for name in _MORE):
        return None
    if habit is CURSORS:
        texts = (one for name in habit.following if type(one := named.get(name)) in {str, int})
        return next((one for each in texts if (one := str(each)) != here and _CURSOR.fullmatch(one)), None)
    given = int(here) if here.isascii() and here.isdigit() and len(here) < 10 else None
    told, current = _number(named, habit.following), _number(named, habit.current)
    if told is not None:
        return str(told) if given is None or told == given + 1 or (told > given and habit is OFFSETS) else None
    now = current if given is None else given
    if now is None or (current not in {None, now} and habit is PAGES):
        return None
    last, total, step = (_number(named, names) for names in (habit.last, habit.total, habit.step))
    if last is None and total is not None and step:
        last = -(-total // step) if habit is PAGES else total - step
    width = 1 if habit is PAGES else step
    more = any(named.get(name) is True for name in _MORE) if last is None else now < last
    return str(now + width) if more and width else None


def _number(named: dict[str, Any], names: tuple[str, ...]) -> int | None:
    """The first of these keys that holds a whole number that may count something."""
    for name in names:
        one = named.get(name)
        if isinstance(one, str) and one.isascii() and one.isdigit() and len(one) < 10:
            one = int(one)
        if isinstance(one, int) and not isinstance(one, bool) and 0 <= one < 10**9:
            return one
    return None
