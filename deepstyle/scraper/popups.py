"""Functions of a page that open a photo or a page (pure): ``function pic(n) { open('/large/' + n + '.jpg') }``, ``pic('look7')``.

What such a function puts before and behind what it is given is read once; each call of it in an element is then written out
as the address that it opens, so that all else reads a plain link. Nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from deepstyle.scraper.deeds import DEED
from deepstyle.scraper.forms import FILLED

MAX_TEXT = 100_000  # characters of a script
MAX_FUNCTIONS = 50  # of one page
MAX_LATE = 300  # calls of functions that are not known yet
MAX_CALL = 1_000  # characters of a handler
MAX_BODY = 1_500  # characters of a function

_NAME = r"[A-Za-z_$][\w$]{0,40}"
_FUNCTION = re.compile(
    rf"\bfunction\s{{1,3}}(?P<name>{_NAME})\s{{0,3}}\((?P<handed>[^()]{{1,200}})\)\s{{0,9}}\{{"
    rf"|(?<![\w$.])(?P<other>{_NAME})\s{{0,3}}=\s{{0,3}}(?:function\s{{0,3}})?\((?P<given>[^()]{{1,200}})\)\s{{0,3}}(?:=>\s{{0,3}})?\{{"
)
_STRING = r"(?:'([^'\r\n]{0,300})'|\"([^\"\r\n]{0,300})\")"
_SUM = re.compile(
    rf"(?:{_STRING}\s{{0,3}}\+\s{{0,3}})?(?<![\w$.])({_NAME})(?![\w$.(\[])(?:\s{{0,3}}\+\s{{0,3}}{_STRING})?"
)
_OPENED = re.compile(r"(?:\bopen\(|\blocation(?:\.href)?\s{0,3}=(?!=)|\blocation\.(?:assign|replace)\()\s{0,3}")
_TERM = re.compile(
    rf"{_STRING}|(?:(?:encodeURI(?:Component)?|escape|String)\(\s{{0,3}})?(?<![\w$.])({_NAME})\)?(?![\w$.(\[])"
)
_JOIN, _DONE = re.compile(r"\s{0,9}\+\s{0,9}"), re.compile(r"\s{0,9}(?:[,;)}\r\n]|$)")
_PAGE = re.compile(r"(?:https?://|\.{0,2}/|\?[\w.-]{1,40}=|[\w-]{1,60}(?:/|\.\w{2,5}\?))[^\s'\"<>]{1,1000}")
_FIELD = re.compile(  # document.f.page.value = n, getElementById('page').value = n, $('#page').val(n)
    rf"(?:[\w\])]\.(?P<name>{_NAME})|\(\s{{0,3}}[\"'](?P<id>{_NAME})[\"']\s{{0,3}}\)|\[\s{{0,3}}[\"'](?P<key>{_NAME})[\"']\s{{0,3}}\])"
    rf"\.value\s{{0,3}}=\s{{0,3}}(?P<given>{_NAME})\s{{0,3}}(?:[;\r\n}}]|$)"
    rf"|[\"'](?:\w{{0,9}}\[name=[\"']?|#)(?P<picked>{_NAME})[\"']?\]?[\"']\s{{0,3}}\)\.val\(\s{{0,3}}(?P<handed>{_NAME})\s{{0,3}}\)"
)
MAX_TERMS = 12  # of an address
_PICTURED = re.compile(r"\.(?:jpe?g|png|webp|gif)$", re.IGNORECASE)
_CALL = re.compile(rf"(?<![\w$.])({_NAME})\(\s{{0,3}}([^()]{{1,300}})\)")
_AFTER = re.compile(r"[\"'?\s>]")
_HANDLERS = ("href", "onclick", "onmouseover")
_HANDLED = frozenset(_HANDLERS)


class Popups:
    """What the functions of a page open."""

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[int, str, str]]] = {}  # name -> place of what is given, before it, behind it
        self._pages: dict[str, list[str | int]] = {}  # name -> the pieces of a page's address: texts, and places

        self._fields: dict[
            str, tuple[int, str]
        ] = {}  # name -> place of what is given, the form's field that it goes to
        self._unknown: dict[str, None] = {}  # calls whose function may follow

    def learn(self, text: str) -> None:
        """Take the functions of a script that put an address together of one thing that they are given, or send it by a form."""
        if len(text) > MAX_TEXT or ("+" not in text and "submit" not in text):
            return
        starts = list(_FUNCTION.finditer(text))[:MAX_FUNCTIONS]
        ends = [*(one.start() for one in starts[1:]), len(text)]
        for match, end in zip(starts, ends, strict=False):
            handed = [one.strip() for one in (match["handed"] or match["given"]).split(",")]
            body = text[match.end() : min(end, match.end() + MAX_BODY)]
            told = [one for whole in _SUM.finditer(body) if (one := _put_together(whole, handed))]
            if told and len(self._known) < MAX_FUNCTIONS:
                self._known[match["name"] or match["other"]] = told
            name = match["name"] or match["other"]
            if DEED.search(name):
                continue
            if "submit()" in body and (field := _field(body, handed)):
                self._fields.setdefault(name, field)
            if pieces := _pieces(body, handed):
                self._pages.setdefault(name, pieces)

    def written(self, tag: str, attributes: Mapping[str, str]) -> Mapping[str, str]:
        """The attributes with what a call of such a function opens: as the link's target, or as a text in the handler."""
        for name in _HANDLERS if not _HANDLED.isdisjoint(attributes) else ():
            value = attributes.get(name, "")
            if "(" not in value or len(value) >= MAX_CALL:
                continue
            if name != "onmouseover" and (led := self._led(tag, name, value)):
                return {**attributes, **led}
            if url := self._opened(value):
                return {**attributes, "href": url} if tag in {"a", "area"} else {**attributes, name: f"'{url}'"}
            if name != "onmouseover" and len(self._unknown) < MAX_LATE:
                self._unknown[value] = None
        return attributes

    def late(self) -> list[dict[str, str]]:
        """Links to the pages that calls open whose functions came behind them."""
        return [led for value in self._unknown if (led := self._led("a", "href", value))]

    def _led(self, tag: str, name: str, value: str) -> dict[str, str]:
        """The attributes that say which page a call opens, or what it fills into a form; none where it does neither."""
        if filled := self._filled(value):
            return {FILLED: filled}
        if page := self._page(value):
            return {"href": page} if tag in {"a", "area"} else {name: f"location='{page}'"}
        return {}

    def _page(self, value: str) -> str:
        for call in _CALL.finditer(value):
            given = [one.strip().strip("'\"") for one in call[2].split(",")]
            pieces = self._pages.get(call[1], [])
            if pieces and all(isinstance(one, str) or (one < len(given) and given[one]) for one in pieces):
                url = "".join(one if isinstance(one, str) else given[one] for one in pieces)
                if _PAGE.fullmatch(url) and not _PICTURED.search(url):
                    return url
        return ""

    def _filled(self, value: str) -> str:
        """What a call gives a form's field, as ``page=2``."""
        for call in _CALL.finditer(value):
            place, field = self._fields.get(call[1], (0, ""))
            given = [one.strip().strip("'\"") for one in call[2].split(",")]
            if field and place < len(given) and given[place].isalnum():
                return f"{field}={given[place]}"
        return ""

    def _opened(self, value: str) -> str:
        for call in _CALL.finditer(value):
            given = [one.strip().strip("'\"") for one in call[2].split(",")]
            for place, before, behind in self._known.get(call[1], ()):
                url = f"{before}{given[place]}{behind}" if place < len(given) and given[place] else ""
                if _PICTURED.search(url) and "'" not in url:
                    return url
        return ""


def _field(body: str, handed: list[str]) -> tuple[int, str] | None:
    """Which of the things handed a function puts in which field of a form."""
    for match in _FIELD.finditer(body):
        given = match["given"] or match["handed"]
        if given in handed:
            return handed.index(given), match["name"] or match["id"] or match["key"] or match["picked"]
    return None


def _pieces(body: str, handed: list[str]) -> list[str | int]:
    """What a function puts together to an address that it opens, of texts and what it is handed; nothing where more is in it."""
    for opened in _OPENED.finditer(body):
        pieces: list[str | int] = []
        position = opened.end()
        for _ in range(MAX_TERMS):
            term = _TERM.match(body, position)
            if term is None or (term[3] and term[3] not in handed):
                break
            pieces.append(handed.index(term[3]) if term[3] else term[1] or term[2] or "")
            position = term.end()
            if _DONE.match(body, position):
                return pieces if isinstance(pieces[0], str) and len(pieces) > 1 else []
            joined = _JOIN.match(body, position)
            if joined is None:
                break
            position = joined.end()
    return []


def _put_together(whole: re.Match[str], handed: list[str]) -> tuple[int, str, str] | None:
    """Which of the things handed is part of a sum, and what stands before and behind it; None where more is not known."""
    before, name, written = whole[1] or whole[2] or "", whole[3], whole[4] or whole[5] or ""
    end = _AFTER.search(written)
    behind = written[: end.start()] if end else written
    more = not end and whole.string[whole.end() : whole.end() + 9].lstrip().startswith("+")
    joined = whole.string[max(0, whole.start() - 9) : whole.start()].rstrip().endswith("+")
    if name not in handed or not (before or behind) or more or joined:
        return None
    return handed.index(name), re.split("[\"'=]", before)[-1] if "<" in before else before, behind
