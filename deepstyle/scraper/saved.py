"""Saved pages (edge): .html with its folder of files, and .mht -> answers that stand in for the network's.

A page stands at the address that the browser noted in it, else below http://saved.invalid/; what was saved with it stands where
the page looks for it. So one parser reads saved pages, too, and what is on disk is never asked of a site.
"""

from __future__ import annotations

import email
import email.policy
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote, unquote

from deepstyle.errors import InputError, UsageError
from deepstyle.files import read_regular, reason, shown
from deepstyle.scraper.answer import Fetched, Kind
from deepstyle.scraper.urls import normalise, resolve

HTML = frozenset({".html", ".htm", ".xhtml"})
ARCHIVES = frozenset({".mht", ".mhtml"})
LARGEST = 500_000_000  # bytes of an archive
NOWHERE = "http://saved.invalid"  # RFC 2606: nobody is ever there
_FROM = re.compile(rb"<!--\s*saved from url=\(\d+\)(\S+?)\s*-->")
_CID = re.compile(rb"cid:([^\s\"'<>()&,;]++)")
_FOLDERS = ("_files", ".files", "-Dateien", "_fichiers", "_archivos", "_bestanden")  # as browsers call them


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that was saved: its bytes, or the file that holds them."""

    body: bytes = b""
    path: Path | None = None
    content_type: str = ""


class Saved:
    """Saved pages and what came with them, by address. ``pages``: the pages' addresses in order."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self._parts: dict[str, Part] = {}

    def __contains__(self, url: str) -> bool:
        return _spelt(url) in self._parts

    def add(self, path: Path) -> None:
        """Read a saved page, or all directly in a folder. Raises InputError for what cannot be read."""
        try:
            for one in sorted(path.iterdir()) if path.is_dir() else [path]:
                if one.suffix.lower() in ARCHIVES:
                    self._archive(one)
                elif one.suffix.lower() in HTML:
                    self._page(one)
        except OSError as error:
            raise InputError(f"{shown(path)}: cannot be read ({reason(error)})") from error

    def get(self, url: str, kind: Kind, limit: int) -> Fetched | None:
        """The answer that was saved for an address; None when there is none."""
        part = self._parts.get(_spelt(url))
        if part is None:
            return None
        blank = Fetched(outcome="unreadable", kind=kind, url=url, final_url=url, content_type=part.content_type)
        if part.path is None:
            return Fetched(
                outcome="ok", kind=kind, url=url, final_url=url, content_type=part.content_type, body=part.body
            )
        try:
            body = read_regular(part.path, limit)
        except (OSError, InputError):
            return blank
        return Fetched(outcome="ok", kind=kind, url=url, final_url=url, content_type=part.content_type, body=body)

    def _page(self, path: Path) -> None:
        body = read_regular(path, LARGEST)
        noted = _FROM.search(body[:4096])
        url = normalise(noted[1].decode("utf-8", "replace")) if noted else ""
        url = url or normalise(NOWHERE + quote(path.absolute().as_posix()))
        self.pages.append(url)
        for name in _FOLDERS:
            folder = path.with_name(path.stem + name)
            for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
                if file.is_file():
                    place = resolve(url, quote(file.relative_to(path.parent).as_posix()))
                    self._parts[_spelt(place)] = Part(path=file)
        self._parts[_spelt(url)] = Part(body=body, content_type="text/html")

    def _archive(self, path: Path) -> None:
        """RFC 2557: parts of a multipart message, each with its address or its number (cid:)."""
        message = email.message_from_bytes(read_regular(path, LARGEST), policy=email.policy.default)
        parts = [part for part in message.walk() if not part.is_multipart()]
        page = next((part for part in parts if part.get_content_type() in {"text/html", "application/xhtml+xml"}), None)
        if page is None:
            raise InputError(f"{shown(path)}: holds no page; save it again as .mht or .html")
        where = message.get("Snapshot-Content-Location") or page.get("Content-Location") or ""
        url = normalise(str(where)) or normalise(NOWHERE + quote(path.absolute().as_posix()))
        named: dict[str, str] = {}  # Content-ID -> where the part stands
        for number, part in enumerate(parts):
            place = resolve(url, str(part.get("Content-Location") or "")) if part.get("Content-Location") else ""
            if name := str(part.get("Content-ID") or "").strip("<> "):
                place = place or resolve(url, f"/saved-part-{number}")
                named[name] = place
            if place and part is not page:
                self._parts[_spelt(place)] = Part(body=_payload(part), content_type=part.get_content_type())
        self.pages.append(url)
        self._parts[_spelt(url)] = Part(body=_linked(_payload(page), named), content_type="text/html")


def _spelt(url: str) -> str:
    """One spelling of an address: which signs of a file's name are escaped, and how an accent is written, is each program's way.

    >>> _spelt("http://a.example/look%281%29.jpg") == _spelt("http://a.example/look(1).jpg")
    True
    """
    path, mark, query = url.partition("?")
    return quote(unicodedata.normalize("NFC", unquote(path)), safe="/:") + mark + query


def _linked(body: bytes, named: dict[str, str]) -> bytes:
    """A page with the addresses of its parts where it has their numbers; RFC 2392 writes those with percent escapes."""

    def place(match: re.Match[bytes]) -> bytes:
        name = match[1].decode("utf-8", "replace")
        found = named.get(name) or named.get(unquote(name))
        return found.encode() if found else match[0]

    return _CID.sub(place, body)


def _payload(part: EmailMessage) -> bytes:
    body = part.get_payload(decode=True)
    return body if isinstance(body, bytes) else b""


def is_saved(path: Path) -> bool:
    """Whether a path is a saved page, or a folder that holds some."""
    return any(True for _ in _saved_in(path))


def _saved_in(path: Path) -> Iterator[Path]:
    try:
        yield from (
            one
            for one in (sorted(path.iterdir()) if path.is_dir() else [path])
            if one.suffix.lower() in HTML | ARCHIVES and one.is_file()
        )
    except OSError as error:
        raise UsageError(f"{shown(path)}: cannot be read ({reason(error)})") from error
