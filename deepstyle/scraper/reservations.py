"""What a site says of AI training and text and data mining, read from its own words (pure).

Read are Content-Signal and Content-Usage lines of robots.txt groups, License lines, Content-Usage and TDM headers,
``/.well-known/tdmrep.json`` and meta elements. Nothing here decides to fetch; ``reserved`` says what the words mean for us:
photos that a model is trained on.

Sources: contentsignals.org and Cloudflare's managed robots.txt (search, ai-input, ai-train; yes, no); the IETF's
draft-ietf-aipref-attach and -vocab (``train-ai=n``; the most restrictive statement wins); TDM Reservation Protocol, W3C
community group report of 10 May 2024 (section 6: the first matching location wins, a header overrides the file, a meta
element the header); RSL 1.0 (License lines, recorded only); RFC 9309 2.2 (groups, the longest matching path).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from deepstyle.files import whole
from deepstyle.scraper.urls import normal_pattern

CUT = 500_000  # bytes; a tdmrep.json this long that is no whole JSON is longer than what is read of it
_HEADERS = frozenset({"content-usage", "tdm-reservation", "tdm-policy"})
_TRAINING = frozenset(
    {"ai-train", "train-ai", "train-genai", "tdm", "bots", "ai"}
)  # Content-Usage's categories that hold ours


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement: where it stands (``robots.txt``, ``header``, ``meta``, ``tdmrep.json``), its words, and its meaning.

    ``path``: the URLs of the site that it is about, as robots.txt writes patterns; empty for all. ``reserves`` is None for
    what is recorded only.
    """

    where: str
    words: str
    reserves: bool | None
    path: str = ""


def product_token(user_agent: str) -> str:
    """The name robots.txt addresses us by (RFC 9309 2.2.1): ``deepstyle/0.1 (+https://...)`` -> ``deepstyle``."""
    return re.split(r"[/\s(]", user_agent.strip(" \t\"'"), maxsplit=1)[0].rstrip("\"'").lower()


def names_us(value: str, agent: str) -> bool:
    """Whether a User-agent line's value is ours, with a version behind it or among several names in one line as well.

    RFC 9309 2.2.1 has a name alone in its line; a site that writes ``deepstyle/0.1`` or ``GPTBot, deepstyle`` means us too.
    """
    return any(product_token(one) == agent for one in re.split("[,;]", value))


def _matches(pattern: str, path: str) -> bool:
    """Whether a robots.txt path pattern (``*`` and a final ``$``) matches; linear in the path for each star."""
    if not pattern:
        return True
    anchored = pattern.endswith("$")
    parts = pattern.removesuffix("$").split("*")
    if not path.startswith(parts[0]):
        return False
    position = len(parts[0])
    for part in parts[1:-1]:
        found = path.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    if len(parts) == 1:
        return not anchored or len(path) == position
    last = parts[-1]
    if anchored:
        return len(path) - len(last) >= position and path.endswith(last)
    return path.find(last, position) >= 0


def _preferences(text: str) -> list[tuple[str, str]]:
    """``search=yes, ai-train=no`` as pairs in lower case; what has no ``=`` is left out."""
    pairs = (part.partition("=") for part in re.split(r"[,;]", text.lower()[:2_000]))
    return [(name.strip(), value.strip().strip('"')) for name, mark, value in pairs if mark]


def _usage(text: str) -> bool | None:
    """Whether a Content-Usage value reserves training: any ``n`` of a category that holds it; None: it says nothing of it."""
    stated = [value for name, value in _preferences(text) if name in _TRAINING]
    return None if not stated else any(value in {"n", "no", "?0", "0"} for value in stated)


def _signal(text: str) -> bool | None:
    """Whether a Content-Signal value reserves training: any ``no``; None: it says nothing of it."""
    pairs = _preferences(text)
    stated = [value for name, value in pairs if name == "ai-train"]
    if stated:
        return "no" in stated
    return True if ("use", "reference") in pairs else None  # to be referred to only


def robots_statements(text: str, agent: str) -> list[Statement]:
    """The statements of a robots.txt that hold for ``agent``: those of its groups, or of ``*`` when it has none.

    ``Content-Signal`` and ``Content-Usage`` may begin with a path. A line before any group holds for all, as License does.
    """
    groups: dict[str, list[Statement]] = {}
    for_all: list[Statement] = []
    agents: list[str] = []
    in_agents = False
    for line in text.splitlines():
        name, mark, value = line.partition("#")[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if not mark:
            continue
        if name == "user-agent":
            name = agent if names_us(value, agent) else value.lower()
            agents = [*agents, name] if in_agents else [name]
            in_agents = True
            continue
        in_agents = False
        statement = _robots_line(name, value)
        if statement is None:
            continue
        if name == "license" or not agents:
            for_all.append(statement)
        for one in agents if name != "license" else ():
            groups.setdefault(one, []).append(statement)
    ours = [
        statement
        for name, group in groups.items()
        if name and name != "*" and agent.startswith(name)
        for statement in group
    ]
    return [*for_all, *(ours or groups.get("*", []))]


def _robots_line(name: str, value: str) -> Statement | None:
    if name == "license":
        return Statement(where="robots.txt", words=f"License: {value}"[:500], reserves=None)
    if name not in {"content-signal", "content-usage"}:
        return None
    path, rest = "", value
    if value.startswith(("/", "*")):
        path, rest = [*value.split(None, 1), ""][:2]
    reserves = _signal(rest) if name == "content-signal" else _usage(rest)
    title = "Content-Signal" if name == "content-signal" else "Content-Usage"
    return Statement(where="robots.txt", words=f"{title}: {value}"[:500], reserves=reserves, path=normal_pattern(path))


def tdmrep_statements(body: bytes) -> list[Statement]:
    """The entries of a tdmrep.json in their order; what is no such file gives none.

    One that was cut because it is too long reserves everything: nobody knows what its end says.
    """
    try:
        value = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        if len(body) < CUT or not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{")):
            return []
        return [
            Statement(where="tdmrep.json", words="longer than is read of it: all counts as reserved", reserves=True)
        ]
    entries = value if isinstance(value, list) else [value]
    found = []
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("location"), str):
            continue
        reserved = _flag(entry.get("tdm-reservation"))
        if reserved is None:
            continue
        policy = f", tdm-policy: {entry['tdm-policy']}" if isinstance(entry.get("tdm-policy"), str) else ""
        words = whole(f"tdm-reservation: {int(reserved)}{policy}"[:500])
        location = entry["location"] if entry["location"].startswith(("/", "*")) else "/" + entry["location"]
        found.append(
            Statement(where="tdmrep.json", words=words, reserves=reserved, path=normal_pattern(location[:2_000]))
        )
    return found


def _flag(value: Any) -> bool | None:
    """What 1, 0, true or false mean, or a list of them as a repeated header has it: any 1 reserves; None: nothing is said."""
    words = (
        {word.strip().strip("\"'") for word in str(value).lower().split(",")}
        if isinstance(value, (int, str))
        else set()
    )
    return True if words & {"1", "true"} else False if words & {"0", "false"} else None


def header_statements(headers: Mapping[str, str]) -> list[Statement]:
    """The statements of an answer's headers, whose names may be in any case."""
    lower = {low: headers[name] for name in headers if (low := name.lower()) in _HEADERS}
    found = []
    if (value := lower.get("content-usage")) is not None:
        found.append(Statement(where="header", words=f"Content-Usage: {value}"[:500], reserves=_usage(value)))
    if (flag := _flag(lower.get("tdm-reservation", ""))) is not None:
        policy = f", tdm-policy: {lower['tdm-policy']}" if lower.get("tdm-policy") else ""
        found.append(Statement(where="header", words=f"tdm-reservation: {int(flag)}{policy}"[:500], reserves=flag))
    return found


def meta_statements(metas: Iterable[tuple[str, str]]) -> list[Statement]:
    """The statements of a page's meta elements, as (name, content)."""
    stated = dict(metas)
    flag = _flag(stated.get("tdm-reservation", ""))
    if flag is None:
        return []
    policy = f", tdm-policy: {stated['tdm-policy']}" if stated.get("tdm-policy") else ""
    return [Statement(where="meta", words=f"tdm-reservation: {int(flag)}{policy}"[:500], reserves=flag)]


def recorded_statements(words: str) -> list[Statement]:
    """The statements of a header or of meta elements that ``Verdict.words`` put on record."""
    found = []
    for part in words.split("; "):
        where, _, text = part.partition(": ")
        name, _, value = text.partition(": ")
        if where == "header":
            value = value.partition(",")[0] if name == "tdm-reservation" else value
            found += header_statements({name: value})
        elif where == "meta":
            found += meta_statements([(name, value.partition(",")[0])])
    return found


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a URL is reserved, and every statement that was read about it, the decisive ones first."""

    reserved: bool
    statements: tuple[Statement, ...] = ()

    @property
    def overridable(self) -> bool:
        """Whether a header or meta element could lift the reservation: only tdmrep.json states it."""
        return all(one.where == "tdmrep.json" for one in self.statements if one.reserves)

    @property
    def words(self) -> str:
        """Where it stands and what it says, for the catalog and for people."""
        return "; ".join(f"{one.where}: {one.words}" for one in self.statements)


def verdict(url: str, site: Iterable[Statement], own: Iterable[Statement] = ()) -> Verdict:
    """What all statements mean for one URL: those of its site, and its ``own`` of header and meta.

    Of robots.txt's Content-Signal, and of Content-Usage, the longest path that matches holds. Of TDMRep the meta element
    holds before the header, the header before the file's first matching location. Any one that reserves is enough.
    """
    site, mine = tuple(site), tuple(own)
    if not site and not mine:  # nearly always
        return Verdict(reserved=False)
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    about = [one for one in site if one.where != "tdmrep.json" and _matches(one.path, path)]
    first = next((one for one in site if one.where == "tdmrep.json" and _matches(one.path, path)), None)
    holding: list[Statement] = []
    for name in ("Content-Signal", "Content-Usage"):
        lines = [
            one
            for one in about
            if one.where == "robots.txt" and one.words.startswith(name) and one.reserves is not None
        ]
        longest = max((len(one.path) for one in lines), default=0)
        holding += [one for one in lines if len(one.path) == longest]
    holding += [one for one in mine if one.words.startswith("Content-Usage") and one.reserves is not None]
    protocol = [
        one for where in ("meta", "header") for one in mine if one.where == where and one.words.startswith("tdm")
    ]
    protocol += [first] if first is not None else []
    holding += protocol[:1]
    recorded = [one for one in about if one.reserves is None]
    ordered = sorted(holding, key=lambda one: not one.reserves)
    return Verdict(reserved=any(one.reserves for one in holding), statements=(*ordered, *recorded))
