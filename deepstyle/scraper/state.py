"""What a page's scripts and JSON hold (pure): text -> values. JSON-LD, assigned state, calls, Next.js and Nuxt.

Sources: Next.js' flight rows (``self.__next_f.push([1, "id:json"])``); Nuxt 2's ``__NUXT__=(function(a,b){...}(...))``;
Nuxt 3's ``__NUXT_DATA__``, an array whose numbers are places in itself (the npm package devalue).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import unquote

from deepstyle.scraper.budget import Budget
from deepstyle.scraper.literals import Name, read_literal
from deepstyle.scraper.wrappings import from_base64

_CODE = re.compile(  # what browsers run, and what programs that speed up or hold back a page's scripts call them
    r"|module|text/plain|text/partytown|.{0,60}(?:java|ecma|j|rocket|lazyload|delayed|inline|deferred)script(?:/blocked)?"
)
MAX_LITERALS = 5_000  # of one script
MAX_RESOLVED = 60  # levels of Nuxt's places that are followed
_DECODER = json.JSONDecoder()
_LOOSE = json.JSONDecoder(strict=False)  # takes line ends in strings
_NEXT_VALUE = re.compile(r"[\s,;]*+(?=[\[{])")
_PROMISING = re.compile(
    r"\.(?:jpe?g|png|webp|avif|gif)|ima?ge?|photo|picture|thumb|next|src|cdn|media|atob|manifest|iiif|permalink",
    re.IGNORECASE,
)
_TEXT = r"[\"'`]([^\"'`\s<>{}$\\]{1,500})[\"'`]"
_PAGED = r"(?=[\"'`][^\"'`\s]{0,300}[?&](?:page|paged|offset|start|cursor|after|skip)=)"
_DATA = (  # an address that holds data, by its ending or its name
    r"(?=[\"'`][^\"'`\s?#]{0,300}(?:\.json|/(?:looks|lookbook|galler(?:y|ies)|photos|images|pictures|slides|collections?))"
    r"(?:[?#][^\"'`\s]{0,300})?[\"'`])"
)
_READ = r"(?!\s*+,\s*+\{[^{}]{0,300}\b(?:method|type)\b)"  # and nothing is sent there
_ASKED = re.compile(
    rf"\bgetJSON\(\s*+{_TEXT}|(?:\bfetch|\baxios|\.get|\.ajax|\.load)\(\s*+{_PAGED}{_TEXT}"
    rf"|(?:\bfetch\(|\baxios(?>(?:\.get)?)\(|\.get\(|\.load\(|\.open\(\s*+[\"']GET[\"']\s*+,)\s*+{_DATA}{_TEXT}{_READ}"
    rf"|\b(?:const|let|var)\s++\w{{0,20}}?(?:endpoint|nexturl|moreurl|next_?page_?url)\s*+=\s*+{_TEXT}",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"']([^\"'\r\n\t]{1,300})[\"']")
_ARRAY = re.compile(
    r"(?:\bnew\s++(?:Array|\w{0,20}(?:Slide|Photo|Picture|Look|Pic|Foto|Image)\w{0,9})|[Ii]mages?)\(((?>(?:\s*+[\"'][^\"'\r\n\t]{0,300}+[\"']\s*+,?+)+))(?=[\d\s]{0,9}\))"
    r"|(?:(?:\w\[\d{1,4}\]|\.src)\s*+=|\.(?:setAttribute|attr|prop)\(\s*+[\"']src[\"']\s*+,|\badd(?:Image|Photo|Picture|Slide)\()\s*+[\"']([^\"'\r\n\t]{1,300})[\"']"
    r"|\bbackground(?:-?[iI]mage)?[\"']?\s{0,9}[=:,]\s{0,9}[\"'`]\s{0,9}url\(\\?[\"']?([^\"'()\s\\]{1,300})"
)
_WRITTEN = re.compile(r"(?P<link><a\b[^<>]{1,1000}>\s{0,20})?(?P<image><img\b[^<>]{1,1000}>)", re.IGNORECASE)
_ENLARGED = re.compile(r"\.(?:jpe?g|png|webp|avif)\b", re.IGNORECASE)
_JOINED = re.compile(r"[\"']\s*+\+|\$\{|\{\{|<%")
MAX_ASKED = 20  # addresses of one script
_START = re.compile(
    r"(?P<flight>__next_f\.push\(\s*+)(?=\[)|(?P<nuxt>__NUXT__\s*+=\s*+\(?+function\s*+\((?P<names>[^()]*+)\)\s*+)(?=\{)"
    r"|(?P<text>(?:JSON\.parse\(\s*+(?>(?:decodeURIComponent\(\s*+|(?>(?:window\.)?)(?P<coded>atob)\(\s*+)?)|\b(?P<alone>atob)\(\s*+|\benqueue\(\s*+))(?=[\"'`])"
    r"|(?P<string>=\s*+)(?=[\"'`](?:\{\\?[\"']|\[\{\\?[\"']|\\u007[bB]|\\x7[bB]|%7[bB]|%5[bB]%7[bB]))"
    r"|(?P<plain>(?:[=(,]|\breturn\b|\bdefault\b)\s*+)(?=[\[{])"
)


def asked_for(text: str) -> list[str]:
    """The addresses that a script asks for data: by getJSON, with a page's number, of JSON, or called an endpoint."""
    found = [next(filter(None, match.groups())) for match in _ASKED.finditer(text)]
    return list(dict.fromkeys(found))[:MAX_ASKED]


def json_value(text: str, budget: Budget) -> Any:
    """JSON, or what was meant to be: trailing commas, comments, single quotes and line ends in strings are survived.

    Several values after one another give a list of them.
    """
    text = text.strip().removeprefix("<!--").removesuffix("-->").strip()
    if text[1:7] in {"&quot;", "{&quot"} or text[1:4] == "&q;":  # escaped as if it stood in an attribute; Angular's way
        text = unescape(
            text.replace("&q;", '"').replace("&s;", "'").replace("&l;", "<").replace("&g;", ">").replace("&a;", "&")
        )
    text = text.removeprefix("//<![CDATA[").removeprefix("<![CDATA[").removesuffix("//]]>").removesuffix("]]>").strip()
    if not text or not budget.value(len(text) // 8):
        return None
    try:
        return json.loads(text.rstrip(";"), strict=False)
    except (ValueError, RecursionError):
        values = _one_after_another(text, budget)
        return values[0] if len(values) == 1 else values or None


def _one_after_another(text: str, budget: Budget) -> list[Any]:
    """The objects and lists that a text begins with; each character is looked at twice at most."""
    values: list[Any] = []
    position = 0
    while (match := _NEXT_VALUE.match(text, position)) and len(values) < MAX_LITERALS and budget.value():
        try:
            value, position = _LOOSE.raw_decode(text, match.end())
        except (ValueError, RecursionError):
            value, position = read_literal(text, match.end(), budget, lines=True)
        values.append(value)
    return values


def _arrays(text: str) -> list[str]:
    """The texts that a script of old puts into arrays or loads: ``new Array("1.jpg", "2.jpg")``, ``pics[3] = "3.jpg"``."""
    found = [
        one
        for match in _ARRAY.finditer(text)
        for one in ([match[2] or match[3]] if match[2] or match[3] else _QUOTED.findall(match[1]))
    ]
    return list(dict.fromkeys(found))[:MAX_LITERALS]


def held(kind: str, text: str) -> str:
    """What a script element of this type holds: ``values``, ``code``, the ``markup`` of a template, or an empty text."""
    if kind.endswith("json"):
        return "values"
    start = text.lstrip()[:2]
    if start in {'{"', "[{", '["'} and kind in {"", "text/javascript"} and text.rstrip()[-1:] in {"}", "]"}:
        return "values"  # in a template, say
    if _CODE.fullmatch(kind) and (kind != "text/plain" or start[:1] not in {"{", "[", "<"}):
        return "code"
    if start[:1] in {"{", "["} and start != "{{":
        return "values"
    return "markup" if kind.startswith("text/") and "<" in text and "babel" not in kind else ""


def written(text: str) -> str:
    """The img elements in a script's strings (``document.write('<img src="1.jpg">')``), but those that it puts together.

    The link around one comes with it where it leads to a picture's file.
    """
    if "<img" not in text or "__next_f" in text:  # what is in flight is read as such
        return ""
    found: list[str] = []
    for match in _WRITTEN.finditer(text):
        link = match["link"] or ""
        if not _JOINED.search(match["image"]):
            linked = _ENLARGED.search(link) and not _JOINED.search(link)
            found.append(f"{link}{match['image']}</a>" if linked else match["image"])
    return "".join(found[:MAX_LITERALS]).replace('\\"', '"').replace("\\'", "'").replace("\\/", "/")


def script_values(text: str, budget: Budget) -> Iterator[tuple[str, Any]]:
    """The values that a script assigns or hands to functions, as (``value``, it), and Next.js' rows as (``flight``, text).

    The literals follow one another; each character is looked at twice at most, as JSON and as JavaScript.
    """
    if not _PROMISING.search(text):
        return
    if old := _arrays(text):
        yield "value", old
    position = 0
    for _ in range(MAX_LITERALS):
        match = _START.search(text, position)
        if match is None or not budget.value():
            return
        if match["nuxt"]:
            value, position = _nuxt2(text, match, budget)
        else:
            value, position = _value(text, match.end(), budget)
        if match["flight"]:
            if isinstance(value, list) and len(value) > 1 and isinstance(value[1], str):
                yield "flight", value[1]
        elif (match["text"] or match["string"]) and isinstance(value, str):
            value = (
                from_base64(value)
                if match["coded"] or match["alone"]
                else unquote(value)
                if value.startswith("%")
                else value
            )
            yield "value", turbo(json_value(value, budget), budget)
        else:
            yield "value", value


def _value(text: str, position: int, budget: Budget) -> tuple[Any, int]:
    if text[position] in "[{":
        try:
            value, end = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            pass
        else:
            budget.value((end - position) // 8)
            return value, end
    return read_literal(text, position, budget)


def _nuxt2(text: str, match: re.Match[str], budget: Budget) -> tuple[Any, int]:
    """The body of Nuxt 2's function with its arguments put in."""
    body, position = read_literal(text, match.end(), budget)
    opening = re.compile(r"\)?\s*\(").match(text, position)
    if opening is None:
        return body, position
    arguments, position = read_literal(text, opening.end() - 1, budget)
    names = [name.strip() for name in match["names"].split(",")]
    values = dict(zip(names, arguments if isinstance(arguments, list) else [], strict=False))
    return _put_in(body, values, 0), position


def _put_in(value: Any, names: dict[str, Any], depth: int) -> Any:
    if depth > MAX_RESOLVED:
        return None
    if isinstance(value, Name):
        return names.get(value)
    if isinstance(value, dict):
        return {key: _put_in(one, names, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_put_in(one, names, depth + 1) for one in value]
    return value


_PLACE = re.compile(r"_\d{1,7}", re.ASCII)


def turbo(value: Any, budget: Budget) -> Any:
    """The value of Remix' streams: in a list, objects ``{"_1": 2}`` whose key and value stand at these places of it."""
    if not isinstance(value, list) or not value or not isinstance(value[0], dict) or not value[0]:
        return value
    if not all(_PLACE.fullmatch(key) for key in value[0]):
        return value

    def build(one: Any, at: _At) -> Any:
        if isinstance(one, dict):
            names = {key: at(int(key[1:])) for key in one if _PLACE.fullmatch(key)}
            return {str(name): at(one[key]) for key, name in names.items()}
        return [at(inner) for inner in one] if isinstance(one, list) else one

    return _resolved(value, budget, build)


def nuxt3(value: Any, budget: Budget) -> Any:
    """The value that ``__NUXT_DATA__`` stands for: each number inside an element is a place in the array."""
    if not isinstance(value, list):
        return value

    def build(one: Any, at: _At) -> Any:
        if isinstance(one, dict):
            return {key: at(inner) for key, inner in one.items()}
        if isinstance(one, list) and len(one) == 2 and isinstance(one[0], str):  # ["Reactive", 1]
            return at(one[1])
        return [at(inner) for inner in one] if isinstance(one, list) else one

    return _resolved(value, budget, build)


_At = Callable[[Any], Any]  # a place in the list -> the value that stands there


def _resolved(value: list[Any], budget: Budget, build: Callable[[Any, _At], Any]) -> Any:
    """The first element of a list whose elements name places in it, as ``build`` makes each from its own places.

    What stands in several places is one object, yet counts each time: whoever reads it meets it as often.
    """
    done: dict[int, tuple[Any, int]] = {}  # place -> value, how many values that is

    def at(place: Any, depth: int) -> Any:
        if type(place) is not int or not 0 <= place < len(value) or depth > MAX_RESOLVED:
            return None
        known, size = done.get(place, (None, 1))
        if not budget.value(size) or place in done:
            return known if budget.values >= 0 else None
        left, done[place] = budget.values, (None, 1)  # a circle ends here
        made = build(value[place], lambda inner: at(inner, depth + 1))
        done[place] = made, 1 + left - budget.values
        return made

    return at(0, 0)


_ROW = re.compile(r"([0-9a-f]{0,8}):(T([0-9a-f]{1,8}),|[A-Z]{0,2})")


def flight_values(text: str, budget: Budget) -> Iterator[Any]:
    """The values of Next.js' rows: ``id:json`` one a line; ``id:Thex,`` is a text of so many bytes."""
    position = 0
    while position < len(text) and budget.value():
        match = _ROW.match(text, position)
        if match and match[3]:
            rest = text[match.end() : match.end() + int(match[3], 16)].encode()[: int(match[3], 16)]
            row = rest.decode("utf-8", "ignore")
            position = match.end() + len(row)
            yield row
            continue
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        start = match.end() if match else position
        if start < end and text[start] in "[{":
            yield json_value(text[start:end], budget)
        position = end + 1
