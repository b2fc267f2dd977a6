"""Scripts of clicks -> the page that they lead to (pure): ``parent.main.location.href='b.htm'``, ``popup('b.php?n=2')``."""

from __future__ import annotations

import re

_LEADS = re.compile(
    r"(?:location(?:\.href)?\s*=|location\.(?:assign|replace)\(|window\.open\(|navigate\()\s*['\"]([^'\"]{1,1000})['\"]"
)
_CALLS = re.compile(r"(?<![\w.$])([\w.$]{1,60})\(\s{0,9}['\"]([^'\"\s]{1,500})['\"]")
_OPENS = re.compile(
    r"open|pop|win|show|view|zoom|go|load|page|nav|enlarge|display|galler|launch|jump|slide|photo|pic|image|foto|look|big",
    re.IGNORECASE,
)
_ACTS = re.compile(
    r"cart|add|del|remove|log|sign|shar|track|like|vote|wish|subscri|upload|submit|post|mail|print|buy|send|tweet|login|google|down",
    re.IGNORECASE,
)
_PHOTO = re.compile(r"=[^&#]{1,300}\.(?:jpe?g|png|webp|avif)(?![\w.])", re.IGNORECASE)  # a viewer's, whatever opens it
_PAGE = re.compile(r"[\w%~+/.:-]{1,400}\.(?:x?html?|shtml|php\d?|aspx?|jsp|cfm|cgi|pl)(?:[?#].{0,400})?", re.IGNORECASE)


def ends(text: str) -> list[tuple[str, int]]:
    """The addresses that a script leads to, each with the place behind it."""
    return [(match[1], match.end()) for match in _LEADS.finditer(text)]


def clicked(name: str, value: str) -> str:
    """The page that a click leads to by this attribute, as written; an empty text where it leads to none."""
    if name != "onclick" and (name != "href" or value.lstrip()[:11].lower() != "javascript:"):
        return ""
    if match := _LEADS.search(value):
        return match[1]
    for match in _CALLS.finditer(value[:2_000]):
        opens = _OPENS.search(match[1]) or _PHOTO.search(match[2])
        if opens and not _ACTS.search(match[1]) and _PAGE.fullmatch(match[2]):
            return match[2]
    return ""
