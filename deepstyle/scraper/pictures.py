"""The pictures of a page (pure): how the sizes that were found become one picture with URLs to fall back to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deepstyle.scraper.families import family
from deepstyle.scraper.sites import ranked

MAX_FALLBACKS = 6


@dataclass(kw_only=True)
class Picture:
    """One picture of the page: absolute URL, how good its size is, its other URLs, and the page it links to.

    ``sizes``: those of its other URLs that one element offers, each of which is this picture wherever it stands.
    """

    url: str
    rank: float
    width: int | None = None
    title: str = ""
    detail: str | None = None
    others: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()

    def also(self, urls: Iterable[str]) -> None:
        """Remember URLs to fall back to."""
        unique = dict.fromkeys([*self.others, *(url for url in urls if url and url != self.url)])
        self.others = tuple(unique)[: 4 * MAX_FALLBACKS]


def merged(found: Iterable[Picture]) -> list[Picture]:
    """Each logical picture once: equal URLs, and URLs that differ in a size token only, are one picture.

    Its URL is the original where a site rule knows it; its other URLs follow, the larger ones first.
    """
    groups: dict[str, list[tuple[float, Picture]]] = {}
    pictures = list(found)
    sizes = {url: one for one in reversed(pictures) for url in one.sizes}
    for one in pictures:
        whole = sizes.get(one.url)
        if whole is not None and whole is not one and whole.url not in one.others:
            whole.detail = one.detail and whole.detail  # one of its sizes may stand by itself
            groups.setdefault(family(whole.url)[0], []).append((0.0, one))
            continue
        key, size = family(one.url)
        groups.setdefault(key, []).append((size, one))
    return [_merged(group) for group in groups.values()]


def _merged(group: list[tuple[float, Picture]]) -> Picture:
    ordered = sorted(group, key=lambda pair: (-pair[0], -(pair[1].width or 0), bool(pair[1].detail)))
    first = ordered[0][1]
    same = [one for _, one in group if one.url == first.url]
    detail = first.detail if all(one.detail for one in same) else None  # it also stands by itself
    urls = dict.fromkeys(ranked(first.url))
    for _, one in ordered[:20]:
        urls.update(dict.fromkeys([one.url, *one.others]))
    url, *others = urls
    width = next((one.width for one in same if one.width), None) if url == first.url else None
    title = first.title or next((one.title for _, one in group if one.title), "")
    return Picture(
        url=url, rank=first.rank, width=width, title=title, detail=detail, others=tuple(others)[:MAX_FALLBACKS]
    )
