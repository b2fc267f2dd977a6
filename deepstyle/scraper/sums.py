"""Strings that a script puts together of what it states (pure): ``base + pics[i] + ".jpg"``, ``${cdn}/look-${n}.jpg``.

Names are known that are given a string, or a list of strings, once; what goes through a list or counts in a loop with written
bounds varies. Such a sum is written out, so that all else reads a plain string; every other stays as it is. Nothing is run.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from deepstyle.scraper.budget import Budget
from deepstyle.scraper.literals import unescaped
from deepstyle.scraper.members import spelled

MAX_TEXT = 300_000  # characters of a script that is looked at
MAX_NAMES = 400  # that it gives something
MAX_TERMS = 40  # of a sum
MAX_VALUES = 500  # of what varies
MAX_LENGTH = 2_000  # characters of a sum

_NAME = r"[A-Za-z_$][\w$]{0,40}"
_JOINS = re.compile(r"[\"'`)\]\w]\s{0,9}\+\s{0,9}[\"'`(A-Za-z_$]|\$\{")
_PICTURED = re.compile(r"\.(?:jpe?g|png|webp|avif|gif)\b|<img\b", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>\"'{}]{1,1000}\.(?:jpe?g|png|webp|avif|gif)(?:\?[^\s<>\"'{}]{0,300})?", re.IGNORECASE)
_STRING = re.compile(
    r"\"(?P<double>(?>(?:[^\"\\\n]|\\.)*))\"|'(?P<single>(?>(?:[^'\\\n]|\\.)*))'|`(?P<template>(?>(?:[^`\\]|\\.)*))`",
    re.DOTALL,
)
_SPACE = re.compile(r"\s*+")
_PADDING = r"\.padStart\(\s{0,3}(?P<width>\d)\s{0,3},\s{0,3}[\"'`]0[\"'`]\s{0,3}\)"
_COUNTED = re.compile(  # 7 as 07, and the number after it
    rf"(?:String\(\s{{0,3}}(?P<text>{_NAME})(?:\s{{0,3}}\+\s{{0,3}}(?P<more>\d))?\s{{0,3}}\)"
    rf"|\(?(?P<called>{_NAME})(?:\s{{0,3}}\+\s{{0,3}}(?P<plus>\d)\))?\.toString\(\)){_PADDING}"
    rf"|\(\s{{0,3}}(?P<tested>{_NAME})\s{{0,3}}<\s{{0,3}}10\s{{0,3}}\?\s{{0,3}}[\"']0[\"']\s{{0,3}}"
    rf"(?:(?P<sum>\+\s{{0,3}}{_NAME}\s{{0,3}}:\s{{0,3}}{_NAME})|:\s{{0,3}}[\"']{{2}})\s{{0,3}}\)"
    rf"|\(\s{{0,3}}(?P<next>{_NAME})\s{{0,3}}\+\s{{0,3}}(?P<step>\d)\s{{0,3}}\)"
)
_TERM = re.compile(rf"(?P<name>{_NAME})(?:\[\s{{0,3}}(?P<index>{_NAME})\s{{0,3}}\])?(?![\w$.(\[])")
_GAP = re.compile(r"\$\{\s{0,3}([^{}]{1,80}?)\s{0,3}\}")
_STEPPED = re.compile(rf"({_NAME})\s{{0,3}}\+\s{{0,3}}(\d)")
_SET = re.compile(rf"(?<![\w$.])(?:(?P<part>{_NAME}\.)?(?P<name>{_NAME}))\s{{0,9}}(?P<how>\+?=)(?![=>])\s{{0,99}}")
_LIST = re.compile(r"\[|new\s{1,3}Array\(")
_LOOP = re.compile(
    rf"\bfor\s{{0,3}}\(\s{{0,3}}(?:(?:var|let)\s{{1,3}})?(?P<name>{_NAME})\s{{0,3}}=\s{{0,3}}(?P<first>\d{{1,3}})\s{{0,3}};"
    rf"\s{{0,3}}(?P=name)\s{{0,3}}(?P<test><=?)\s{{0,3}}(?P<last>\d{{1,3}}|{_NAME}(?:\.length)?)\s{{0,3}};\s{{0,3}}"
    rf"(?:(?P=name)\s{{0,3}}(?:\+\+|\+=\s{{0,3}}1\b)|\+\+\s{{0,3}}(?P=name))"
)
_NUMBER = re.compile(rf"(?<![\w$.])({_NAME})\s{{0,9}}(?:=\s{{0,9}}(\d{{1,3}})(?![\w.])|\+\+|[-+*]?=)")
_EACH = re.compile(
    rf"(?<![\w$.])(?P<list>{_NAME})\.(?:map|forEach)\(\s{{0,3}}(?:function\s{{0,3}})?\(?\s{{0,3}}(?P<one>{_NAME})"
    rf"|\bfor\s{{0,3}}\(\s{{0,3}}(?:const|let|var)\s{{1,3}}(?P<each>{_NAME})\s{{1,3}}of\s{{1,3}}(?P<all>{_NAME})\s{{0,3}}\)"
    rf"|\bArray\.from\(\s{{0,3}}\{{\s{{0,3}}length\s{{0,3}}:\s{{0,3}}(?P<length>\d{{1,3}})\s{{0,3}}\}}\s{{0,3}},\s{{0,3}}"
    rf"\(\s{{0,3}}{_NAME}\s{{0,3}},\s{{0,3}}(?P<number>{_NAME})\s{{0,3}}\)"
    rf"|\[\.\.\.Array\((?P<keys>\d{{1,3}})\)\.keys\(\)\]\.(?:map|forEach)\(\(?(?P<key>{_NAME})"
)
_HANDED = re.compile(
    rf"\bfunction\s{{0,3}}(?:{_NAME})?\s{{0,3}}\(([^()]{{1,300}})\)|\(([^()=]{{1,300}})\)\s{{0,3}}=>|(?<![\w$.])({_NAME})\s{{0,3}}=>"
)
_START = re.compile(r"(?:[=(,:?\[>]|\breturn\b)\s{0,99}(?=[\"'`A-Za-z_$(])")
_END = re.compile(r"\s*+(?:[;,)\]}:]|//|$|(?<=\n)\s*+[A-Za-z_$}])")


@dataclass(frozen=True)
class _Value:
    """A string, or the strings that it is in turn; ``index`` is the name that they vary with."""

    texts: tuple[str, ...]
    index: str = ""


def settled(text: str, budget: Budget) -> str:
    """The script with each sum written out whose value it states; addresses that vary follow in a list at its end."""
    if len(text) > MAX_TEXT or "__next_f" in text or not _JOINS.search(text) or not _PICTURED.search(text):
        return text
    text = spelled(text)
    names = _known(text, budget)
    if not names:
        return text
    parts: list[str] = []
    varied: dict[str, None] = {}
    position = 0
    while budget.value() and (match := _START.search(text, position)):
        value, end, used = _sum(text, match.end(), names, budget)
        parts.append(text[position : match.end()])
        position = match.end()
        if value is None or not used or not _END.match(text, end):
            continue
        if not value.index or "<" in value.texts[0]:
            parts.append(json.dumps("".join(value.texts), ensure_ascii=False))
            position = end
        elif all(_ADDRESS.fullmatch(one) for one in value.texts):
            parts.append(text[position:end])
            varied.update(dict.fromkeys(value.texts))
            position = end
    rest = f"\n;settled = {json.dumps(list(varied), ensure_ascii=False)};" if varied else ""
    return "".join([*parts, text[position:], rest])


def _known(text: str, budget: Budget) -> dict[str, _Value]:
    """What each name is that the script gives something once, and that nothing is added to."""
    known: dict[str, _Value] = {}
    twice: set[str] = set()
    for number, match in enumerate(_SET.finditer(text)):
        if number >= MAX_NAMES or not budget.value():
            break
        name = match["name"]
        if match["part"]:
            continue
        if name in known or match["how"] == "+=":
            twice.add(name)
            continue
        opening = _LIST.match(text, match.end())
        value = _strings(text, opening.end(), budget) if opening else None
        if opening is None:
            value, end, _ = _sum(text, match.end(), known, budget)
            value = value if _END.match(text, end) else None
        known[name] = value or _Value(())
    handed = [one for match in _HANDED.finditer(text) for one in (match[1] or match[2] or match[3]).split(",")]
    for name in [*twice, *(one.strip() for one in handed)]:  # in a function it may be another
        known.pop(name, None)
    known = {name: value for name, value in known.items() if value.texts}
    return known | _counting(text, known)


def _counting(text: str, known: dict[str, _Value]) -> dict[str, _Value]:
    """What counts between written bounds, or goes through a list, in one loop only."""
    found: dict[str, list[tuple[str, ...]]] = {}
    counts: dict[str, set[str]] = {}
    for match in _NUMBER.finditer(text):
        counts.setdefault(match[1], set()).add(match[2] or "")
    for match in _LOOP.finditer(text):
        last = _last(match["last"], known, counts) + (match["test"] == "<=")
        texts = tuple(str(one) for one in range(int(match["first"]), min(last, MAX_VALUES)))
        found.setdefault(match["name"], []).append(texts)
    for match in _EACH.finditer(text):
        name = match["one"] or match["each"] or match["number"] or match["key"]
        through = match["list"] or match["all"]
        count = range(min(int(match["length"] or match["keys"] or 0), MAX_VALUES))
        texts = known[through].texts if through in known and known[through].index else tuple(map(str, count))
        found.setdefault(name, []).append(texts)
    return {name: _Value(texts[0], name) for name, texts in found.items() if len(set(texts)) == 1 and texts[0]}


def _last(bound: str, known: dict[str, _Value], counts: dict[str, set[str]]) -> int:
    """The number that ends a loop: as written, a name's that is given one number only, or how long a list is; else none."""
    name, _, length = bound.partition(".")
    if length:
        return len(known[name].texts) if name in known and known[name].index else -1
    numbers = {bound} if bound.isdigit() else counts.get(bound, {""})
    return int(next(iter(numbers)) or -1) if len(numbers) == 1 else -1


def _strings(text: str, position: int, budget: Budget) -> _Value | None:
    """A list of plain strings."""
    texts: list[str] = []
    while len(texts) < MAX_VALUES and budget.value():
        position = _after_space(text, position)
        match = _STRING.match(text, position)
        if match is None or (match["template"] and "${" in match["template"]):
            break
        texts.append(unescaped(match[match.lastgroup or 0]))
        position = _after_space(text, match.end())
        if text[position : position + 1] != ",":
            break
        position += 1
    position = _after_space(text, position)
    closed = text[position : position + 1] in {"]", ")"}
    return _Value(tuple(texts), "[]") if texts and closed else None


def _after_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _sum(text: str, position: int, names: dict[str, _Value], budget: Budget) -> tuple[_Value | None, int, bool]:
    """The sum that begins at a place, where it ends, and whether a name is part of it; None where it is not known."""
    whole, used = _Value(("",)), False
    for _ in range(MAX_TERMS):
        if not budget.value():
            break
        term, position, named = _term(text, position, names)
        joined = _joined(whole, term) if term else None
        if joined is None:
            return None, position, used
        whole, used = joined, used or named
        after = _after_space(text, position)
        if text[after : after + 1] != "+" or text[after + 1 : after + 2] in {"+", "="}:
            return whole, position, used
        position = _after_space(text, after + 1)
    return None, position, used


def _term(text: str, position: int, names: dict[str, _Value]) -> tuple[_Value | None, int, bool]:
    if match := _STRING.match(text, position):
        inner = match[match.lastgroup or 0]
        if match.lastgroup == "template" and "${" in inner:
            return _template(inner, names), match.end(), True
        return _Value((unescaped(inner),)), match.end(), False
    if match := _COUNTED.match(text, position):
        return _number(match, names), match.end(), True
    if match := _TERM.match(text, position):
        return _named(match, names), match.end(), True
    return None, position, False


def _named(match: re.Match[str], names: dict[str, _Value]) -> _Value | None:
    value = names.get(match["name"])
    if value is None or not value.texts:
        return None
    if value.index == "[]":  # a list by itself is no string
        return _Value(value.texts, match["index"]) if match["index"] else None
    return None if match["index"] else value


def _number(match: re.Match[str], names: dict[str, _Value]) -> _Value | None:
    """A number of a loop, with zeros before it or the next one."""
    name = match["text"] or match["called"] or match["tested"] or match["next"]
    value = names.get(name)
    if value is None or not value.index or not all(one.isdigit() for one in value.texts):
        return None
    step = int(match["more"] or match["plus"] or match["step"] or 0)
    numbers = [int(one) + step for one in value.texts]
    if match["tested"] and not match["sum"]:
        return _Value(tuple("0" if one < 10 else "" for one in numbers), value.index)
    width = 2 if match["tested"] else 0 if match["next"] else int(match["width"] or 0)
    return _Value(tuple(f"{one:0{width}d}" if width else str(one) for one in numbers), value.index)


def _template(inner: str, names: dict[str, _Value]) -> _Value | None:
    whole, position = _Value(("",)), 0
    for number, gap in enumerate(_GAP.finditer(inner)):
        within = gap[1]
        if stepped := _STEPPED.fullmatch(within):
            within = f"({within})"
        match = _COUNTED.fullmatch(within)
        term = _number(match, names) if match else None
        if not stepped and match is None and (match := _TERM.fullmatch(within)):
            term = _named(match, names)
        before = _joined(whole, _Value((unescaped(inner[position : gap.start()]),)))
        joined = _joined(before, term) if before and term and number < MAX_TERMS else None
        if joined is None:
            return None
        whole, position = joined, gap.end()
    rest = inner[position:]
    return None if "${" in rest else _joined(whole, _Value((unescaped(rest),)))


def _joined(left: _Value, right: _Value) -> _Value | None:
    """One behind the other; what varies with two names is not known."""
    count = max(len(left.texts), len(right.texts))
    if (
        left.index and right.index and (left.index != right.index or len(left.texts) != len(right.texts))
    ) or count == 0:
        return None
    pairs = zip(left.texts * (count // len(left.texts)), right.texts * (count // len(right.texts)), strict=False)
    texts = tuple(one + other for one, other in pairs)
    return None if max(map(len, texts)) > MAX_LENGTH else _Value(texts, left.index or right.index)
