"""JavaScript literals -> values (pure): what scripts assign and hand to functions, when it is no JSON.

Unquoted keys, single quotes, templates, trailing commas, comments, ``!0``, concatenated strings, calls around values, and
cut-off ends are read; code in between is passed over. Every character is read once, nothing recurses, nothing is run.
"""

from __future__ import annotations

import re
from typing import Any

from deepstyle.scraper.budget import Budget

MAX_DEPTH = 100  # levels of nesting that are kept; what lies deeper is passed over
MAX_JOINED = 10_000  # characters of a string that is put together with +


class Name(str):
    """An identifier that stands where a value should be; Nuxt 2 hands the values in as arguments."""

    __slots__ = ()


_GRAMMAR = r"""(?P<skip>\s++|//[^\n]*+|/\*(?>(?:[^*]|\*(?!/))*)(?>(?:\*/)?))
    | "(?P<double>(?>(?:[^"\\\n]|\\.)*))"?+
    | '(?P<single>(?>(?:[^'\\\n]|\\.)*))'?+
    | `(?P<template>(?>(?:[^`\\]|\\.)*))`?+
    | (?P<number>\d[\w.]*+)
    | (?P<name>[A-Za-z_$][\w$]*+)
    | (?P<open>[{\[(])
    | (?P<close>[}\])])
    | (?P<mark>[,:+])
    | (?P<other>[^\s"'`\w${}\[\](),:+/]++|.)"""
_TOKEN = re.compile(_GRAMMAR, re.VERBOSE | re.DOTALL)
_JSON_TOKEN = re.compile(_GRAMMAR.replace(r'[^"\\\n]', r'[^"\\]'), re.VERBOSE | re.DOTALL)  # "..." of several lines
_PATTERN = re.compile(r"/(?![*/])(?>(?:[^/\\\[\n]|\\.|\[(?>(?:[^\]\\\n]|\\.)*)\])+)/\w*+")  # a regular expression
MAX_PATTERN = 300  # characters of one
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r?\n)|(.))", re.DOTALL)
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_WORDS = {"true": True, "false": False, "null": None, "undefined": None, "NaN": None, "Infinity": None}
_WHOLE = re.compile(r"\.(?:jpe?g|png|webp|avif|gif)(?:[?#][^\s\"'<>]{0,150})?$", re.IGNORECASE)  # a picture's address
_NOTHING = object()


def unescaped(text: str) -> str:
    """What a JavaScript string literal stands for, without its quotes."""
    if "\\" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code:
            number = int(code, 16)
            return chr(number) if number <= 0x10FFFF else "\ufffd"
        return "" if match[4] else _CONTROL.get(match[5], match[5])

    plain = _ESCAPE.sub(value, text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # joins surrogate pairs


def _number(text: str) -> Any:
    try:
        return int(text) if text.isdigit() and len(text) < 19 else float(text)
    except ValueError:
        return None


def _parameters(old: Any, value: Any) -> bool:
    """Whether a bracket was the head of a function and its body follows: ``data: () => ({...})``."""
    return isinstance(old, list) and isinstance(value, (dict, list)) and all(isinstance(one, Name) for one in old[:20])


def _behind(text: str, value: str) -> str:
    """A string with what follows it: where that is a name, what it stands for is not known, and needed before a file's end."""
    if not isinstance(value, Name):
        return text + value
    return text if _WHOLE.search(text[-200:]) else f"{text}{{{value}}}"


class _Level:
    """An open bracket: what it holds so far, and the key that waits for its value."""

    __slots__ = ("holder", "joined", "key", "last", "set")

    def __init__(self, holder: list[Any] | dict[str, Any]) -> None:
        self.holder = holder
        self.key: str | None = None
        self.last: Any = _NOTHING  # in an object: what may turn out to be a key; in a list: the element
        self.joined = self.set = False

    def put(self, value: Any) -> None:
        """Take a value where the level is: an element, a key, or the value of the key; ``+`` joins strings."""
        joined, self.joined = self.joined, False
        if isinstance(self.holder, dict):
            if self.key is None:
                self.last = value
                if isinstance(value, (dict, list)):  # code: the body of a function, say
                    self.holder[f"#{len(self.holder)}"] = value
                return
            old = self.holder.get(self.key) if self.set else _NOTHING
            if old is _NOTHING or isinstance(old, Name) or _parameters(old, value):
                self.holder[self.key] = value
            elif joined and isinstance(old, str) and isinstance(value, str) and len(old) < MAX_JOINED:
                self.holder[self.key] = _behind(old, value)
            self.set = True
        elif self.set and joined and self.holder and isinstance(self.holder[-1], str) and isinstance(value, str):
            if isinstance(self.holder[-1], Name):
                self.holder[-1] = value
            elif len(self.holder[-1]) < MAX_JOINED:
                self.holder[-1] = _behind(self.holder[-1], value)
        else:
            self.holder.append(value)
            self.set = True

    def mark(self, mark: str) -> None:
        """A comma, a colon or a plus sign."""
        if mark == "+":
            self.joined = True
            return
        if mark == ":" and isinstance(self.holder, dict) and self.key is None and self.last is not _NOTHING:
            self.key, self.set = str(self.last), False
        elif mark == ",":
            self.key, self.set = None, False
        self.last, self.joined = _NOTHING, False


def read_literal(text: str, position: int, budget: Budget, *, lines: bool = False) -> tuple[Any, int]:
    """The value that begins at ``position``, a bracket or a string, and where it ends; what is cut off is closed.

    ``lines``: strings in double quotes may go over several lines, which JSON on pages does and JavaScript does not.
    """
    token = _JSON_TOKEN if lines else _TOKEN
    levels = [_Level([])]
    root = levels[0]
    before = "mark"  # what the last token was
    while position < len(text):
        match = token.match(text, position)
        assert match is not None  # the last alternative takes anything
        kind, position = match.lastgroup, match.end()
        if kind == "skip":
            continue
        before, last = kind or "", before
        if kind == "other":
            if match[0] == "/" and last in {"mark", "open", "other"}:  # where a value stands nothing is divided
                pattern = _PATTERN.match(text, match.start(), match.start() + MAX_PATTERN)
                position = pattern.end() if pattern else position
                budget.value(0 if pattern else MAX_PATTERN // 30)  # it has been looked for in vain
            continue
        if not budget.value():
            break
        if kind == "open":
            holder: list[Any] | dict[str, Any] = {} if match["open"] == "{" else []
            if len(levels) < MAX_DEPTH:
                levels[-1].put(holder)
            levels.append(_Level(holder))
        elif kind == "close":
            if len(levels) > 1:
                levels.pop()
        elif kind == "mark":
            levels[-1].mark(match["mark"])
        else:
            assert kind is not None
            levels[-1].put(_scalar(kind, match[kind]))
        if len(levels) == 1 and root.holder:
            break
    value = root.holder[0] if root.holder else None  # type: ignore[index]  # the root is a list
    return value, max(position, 1)


def _scalar(kind: str, text: str) -> Any:
    if kind == "number":
        return _number(text)
    if kind == "name":
        return _WORDS.get(text, Name(text))
    return unescaped(text)
