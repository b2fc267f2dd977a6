"""Pages that are parts of a series (pure): the words that name the next one, and the numbers in their URLs."""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_SAID = 40  # characters of what a link to the next part says
_WORDS = (  # in the languages that shops and magazines are in
    r"(?:go to )?next(?:\s+(?:page|results|items|looks?|slide|photo|image|picture))?"
    r"|more|older(?:\s+(?:posts|entries))?|(?:load|show) more(?:\s\w+)?"
    r"|more (?:results|looks|products|items|photos)|(?:page )?suivante?|voir plus|charger plus"
    r"|weiter|n\u00e4chste(?: seite)?|mehr (?:laden|anzeigen)|(?:p\u00e1gina )?siguiente|cargar m\u00e1s|ver m\u00e1s"
    r"|(?:pagina )?successiva|avanti|carica altri|(?:pagina )?volgende|toon meer|pr\u00f3xim[ao]|carregar mais"
    r"|n\u00e4sta|visa fler|\u6b21\u3078|\u4e0b\u4e00\u9875|\u0434\u0430\u043b\u0435\u0435"
)
_SAID = re.compile(rf"\s*(?:{_WORDS})?\s*[>\u00bb\u203a\u2192\u2193\u276f\u27e9]*\s*", re.IGNORECASE)
_PAGED = re.compile(
    r"([?&](?:page|p|paged|pg|pagina|seite)=)(\d{1,5})(?=&|$)|(/page/)(\d{1,5})(?=/?(?:\?|$))", re.IGNORECASE
)


def said_next(text: str) -> bool:
    """Whether the words or the arrow of a link say that it leads to the next part."""
    return len(text) <= MAX_SAID and _SAID.fullmatch(text) is not None


def counted(here: str, links: Iterable[str]) -> str:
    """Of links, the one whose page's number follows upon that of ``here``, the rest of their URLs being equal; or nothing."""
    match = _PAGED.search(here)
    number, rest = _number(match) + 1 if match else 2, _unpaged(here, match)
    for url in links:
        one = _PAGED.search(url)
        if one and _number(one) == number and _unpaged(url, one) == rest:
            return url
    return ""


def guessed(here: str, links: Iterable[str], *, sure: bool) -> list[str]:
    """The URL of a next part that no link names; ``sure`` where the page looks as if there were one."""
    match = _PAGED.search(here)
    if match:
        guess = f"{here[: match.start()]}{match[1] or match[3]}{_number(match) + 1}{here[match.end() :]}"
    else:
        guess = f"{here}{'&' if '?' in here else '?'}page=2"
    numbered = match is not None and not (match[1] or "").lower().endswith(
        "p="
    )  # ?p=7 may be the post with this number
    part = numbered and not any(_PAGED.search(url) for url in links)
    return [guess] if (sure or part) and guess not in links else []


def _number(match: re.Match[str]) -> int:
    return int(match[2] or match[4])


def _unpaged(url: str, match: re.Match[str] | None) -> str:
    rest = url[: match.start()] + url[match.end() :] if match else url
    head, mark, query = rest.replace("&", "?", 0 if "?" in rest else 1).partition("?")
    return head.rstrip("/") + mark + query
