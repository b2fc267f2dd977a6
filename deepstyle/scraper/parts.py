"""Pages that are parts of a series (pure): the words that name the next one, and the numbers in their URLs."""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_SAID = 40  # characters of what a link to the next part says
_WORDS = (  # in the languages that shops and magazines are in
    r"(?:go to )?next(?:\s+(?:page|results|items|looks?|slide|photo|image|picture))?"
    r"|more|older(?:\s+(?:posts|entries))?|(?:load|show) more(?:\s\w+)?"
    r"|more (?:results|looks|products|items|photos)|(?:page )?suivante?|(?:en )?voir plus|(?:en )?charger plus|afficher plus"
    r"|weiter|nächste(?: seite)?|mehr (?:laden|anzeigen)|(?:página )?siguiente|cargar más|ver más|mostrar más"
    r"|(?:pagina )?successiva|avanti|carica altri|mostra altri|(?:pagina )?volgende|toon meer|próxim[ao](?: página)?"
    r"|página seguinte|carregar mais|ver mais|nästa(?: sida)?|visa fler|neste(?: side)?|næste(?: side)?|seuraava"
    r"|następna(?: strona)?|pokaż więcej|další|következő|următoarea|sonraki(?: sayfa)?|daha fazla"
    r"|επόμενη|далее|далі|впер[её]д|следующая(?: страница)?|следваща"
    r"|(?:показать|загрузить) (?:ещ[её]|больше)|наступна|التالي|المزيد|رسائل أقدم|(?:صفحه )?بعدی|הבא"
    r"|次(?:へ|(?:の(?:ページ|記事|画像|写真|\d{1,3}件)(?:へ)?))|もっと(?:見る|みる)|下一?[页頁]|(?:加载|查看|載入)更多"
    r"|다음(?: 페이지)?|더 ?보기|ถัดไป|(?:trang )?tiếp(?: theo)?|selanjutnya|berikutnya"
)
_ARROWS = r">\u00bb\u203a\u2192\u2193\u276f\u27e9\u25b6\u25ba\u25b8\u23f5\u2794\u279c\u21d2\u226b"
_SAID = re.compile(
    rf"\s*(?:{_WORDS})?\s*(?:[-=\u2013\u2014]{{1,5}}(?=[{_ARROWS}]))?[{_ARROWS}]*\ufe0e?\s*", re.IGNORECASE
)
_NAMED = re.compile(  # a class of the link to a next part; slick-next is an arrow of a slider
    r"next|(?:pag(?:er|ing|inate|ination)|pages?|page-numbers|posts?|nav)[-_]*next|next[-_]*(?:page|posts?|link)s?(?:[-_]*link)?"
    r"|(?:blog-pager-)?older(?:-(?:posts?|link|page))*",
    re.IGNORECASE,
)
_DRAWN = re.compile(
    r"(?:[a-z]{1,12}[-_]){0,2}(?:next|suivante?|weiter|siguiente|avanti)(?:[-_][a-z]{1,12}|[-_]?\d{1,2})?\.(?:gif|png|jpe?g|svg)",
    re.IGNORECASE,
)
_PAGED = re.compile(
    r"([?&](?!\w{0,20}per_?page)(?:\w{0,20}?page|p|paged|pg|pn|pagina|seite|PAGEN_\d|page_?(?:no|num|number|index))=)(\d{1,5})(?=&|$)"
    r"|(/page[/-]?)(\d{1,5})(?=/?(?:\?|$))",
    re.IGNORECASE,
)

_DIGITS = re.compile(r"(?<!\d)\d{1,5}(?!\d)")
_NUMBERS = re.compile(r"(\d+)")
MAX_NUMBERS = 4  # of a URL, that may count parts


def named_next(classes: str) -> bool:
    """Whether a link's classes say that it leads to the next part.

    >>> named_next("page-numbers next"), named_next("slick-next")
    (True, False)
    """
    return any(_NAMED.fullmatch(one) for one in classes[:300].split())


def drawn_next(source: str) -> bool:
    """Whether an image's file is called what a link to the next part says: ``images/btn_next.gif``."""
    return _DRAWN.fullmatch(source.partition("?")[0].rpartition("/")[2]) is not None


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


def gap(here: str, links: Iterable[str]) -> str:
    """The next part where a pager passes it over (1 2 3 ... 20); nothing unless it links parts before and behind it."""
    urls = list(links)
    for match in list(_DIGITS.finditer(here, here.find("/", 8)))[-MAX_NUMBERS:]:
        head, tail, number = here[: match.start()], here[match.end() :], int(match[0])
        names = (one[len(head) : len(one) - len(tail)] for one in urls if one.startswith(head) and one.endswith(tail))
        linked = {int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 6}
        before = number - 1 in linked or len(linked & {1, 2, 3}) > 1
        if before and number + 1 not in linked and max(linked) > number + 1:
            width = len(match[0]) if match[0][0] == "0" else 0
            return f"{head}{number + 1:0{width}d}{tail}"
    return ""


def is_part(here: str, url: str) -> bool:
    """Whether a URL is another part of the series of ``here``: but for a page's number it is the same, or a number by one.

    >>> (
    ...     is_part("http://a.example/looks", "http://a.example/looks?page=7"),
    ...     is_part("http://a.example/7", "http://a.example/8"),
    ... )
    (True, True)
    """
    one, two = _PAGED.search(here), _PAGED.search(url)
    if two and _unpaged(here, one) == _unpaged(url, two):
        return True
    pieces, others = _NUMBERS.split(here), _NUMBERS.split(url)
    if len(pieces) != len(others):
        return False
    differ = [(a, b) for a, b in zip(pieces, others, strict=True) if a != b]
    return (
        len(differ) == 1
        and all(name.isascii() and name.isdigit() and len(name) < 12 for name in differ[0])
        and (abs(int(differ[0][0]) - int(differ[0][1])) == 1)
    )


def numbers(text: str, url: str, here: str) -> bool:
    """Whether a link of a pager leads to a part of ``here``: it says no more than a number that its URL has, too."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 5) or int(text) not in map(int, _DIGITS.findall(url)):
        return False
    below = here.partition("?")[0].rstrip("/").removesuffix(".html").removesuffix(".php")
    return url.startswith(below) or _NUMBERS.sub("#", url) == _NUMBERS.sub("#", here)


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
