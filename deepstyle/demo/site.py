"""A loopback website of drawn looks, made to be scraped: many markups, thumbnails, things to leave alone."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from PIL import Image

from deepstyle.demo.draw import Look, draw_look

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

HOUSES = ("maison-plain", "maison-srcset", "maison-lazy", "maison-link", "maison-gallery", "maison-detail")
SEASONS = ("spring-2026", "fall-2026")
PER_PAGE, THUMB_WIDTH = 12, 160  # looks, pixels
PRIVATE_EVERY, NOAI_EVERY, TWICE_EVERY = 25, 31, 20
PLACEHOLDER = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")


@dataclass(frozen=True, kw_only=True)
class SiteTruth:
    """What a complete and polite scrape of a site ends with."""

    wanted: frozenset[str]  # SHA-256, hex, of every original to keep
    duplicates: int  # extra URLs whose bytes equal those of a wanted original
    forbidden: frozenset[str]  # URL paths that must never be requested
    noai: frozenset[str]  # URL paths of originals whose response says noai: not to be kept


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One HTTP response."""

    body: bytes
    kind: str = "text/html; charset=utf-8"  # Content-Type
    status: int = 200
    noai: bool = False  # True adds X-Robots-Tag: noai, noimageai


NOT_FOUND = Reply(body=b"not found", kind="text/plain", status=404)


def encode(image: Image.Image, kind: str = "JPEG") -> bytes:
    """Return an image file in memory; JPEG at quality 92."""
    out = io.BytesIO()
    image.save(out, kind, quality=92)
    return out.getvalue()


def document(title: str, head: str, body: str) -> Reply:
    """Return an HTML page with the site's logo and tracking pixel."""
    furniture = '<img src="/static/logo.png" width="40" height="40" alt="logo"><img src="/static/pixel.gif" alt="">'
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
        f'<body><nav><a href="/">Home</a></nav><main>{body}</main><footer>{furniture}</footer></body></html>'
    )
    return Reply(body=text.encode())


class DrawnSite:
    """Serve `looks` drawn looks on a loopback port for as long as the `with` block lasts.

    For example `with DrawnSite(0, 40) as site: requests.get(site.url)`.
    """

    def __init__(self, seed: int, looks: int, latency_s: float = 0.0, port: int = 0) -> None:
        """Plan a site of `looks` looks; every response waits `latency_s` seconds first; `port` 0 takes a free one."""
        self.seed, self.looks, self.latency_s, self.port = seed, looks, latency_s, port
        self.hits: dict[str, int] = {}  # requests received, by path
        self._lock = threading.Lock()
        self._originals: list[bytes] = []
        self._thumbs: list[bytes] = []
        self._shows: dict[tuple[str, str], list[int]] = {}
        for i in range(looks):
            show = HOUSES[i % len(HOUSES)], SEASONS[i // len(HOUSES) % 3 // 2]  # two looks in three are spring's
            self._shows.setdefault(show, []).append(i)
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Draw and encode every look, then start serving."""
        for i in range(self.looks):
            image = Image.fromarray(self.look(i).pixels)
            self._originals.append(encode(image))
            self._thumbs.append(encode(image.resize((THUMB_WIDTH, round(image.height * THUMB_WIDTH / image.width)))))
        self._server = Server(("127.0.0.1", self.port), handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving and close the socket."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    @property
    def url(self) -> str:
        """The address of the home page, while the site is up."""
        assert self._server is not None, "DrawnSite.url is known only inside its with block"
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def look(self, i: int) -> Look:
        """Return the look numbered `i`, drawn again with its garments' boxes."""
        return draw_look(self.seed * 1_000_000 + i)

    def path(self, i: int) -> str:
        """Return the URL path of an original."""
        return f"/private/{i:05d}.jpg" if is_private(i) else f"/media/full/{i:05d}.jpg"

    def truth(self) -> SiteTruth:
        """Return what a complete and polite scrape ends with; known inside the `with` block."""
        private = {i for i in range(self.looks) if is_private(i)}
        noai = {i for i in range(self.looks) if is_noai(i)} - private
        wanted = [i for i in range(self.looks) if i not in private | noai]
        return SiteTruth(
            wanted=frozenset(hashlib.sha256(self._originals[i]).hexdigest() for i in wanted),
            duplicates=sum(is_twice(i) for i in wanted),
            forbidden=frozenset(path for i in private for path in (self.path(i), thumb(i))),
            noai=frozenset(self.path(i) for i in noai),
        )

    def reply(self, target: str) -> Reply:
        """Return the response to a request target (path and query), counting it in `hits`."""
        parts = urlsplit(target)
        path = unquote(parts.path)
        with self._lock:
            self.hits[path] = self.hits.get(path, 0) + 1
        reply = NOT_FOUND
        match [bit for bit in path.split("/") if bit]:
            case []:
                reply = self._home()
            case ["robots.txt"]:
                reply = Reply(body=b"User-agent: *\nDisallow: /private/\n", kind="text/plain")
            case ["shows", house, season]:
                page = parse_qs(parts.query).get("page", ["1"])[0]
                reply = self._show(house, season, int(page) if page.isdecimal() else 0)
            case ["looks", number]:
                reply = self._detail(number)
            case ["static", "logo.png"]:
                reply = Reply(body=encode(Image.new("RGB", (40, 40), (20, 20, 24)), "PNG"), kind="image/png")
            case ["static", "pixel.gif"]:
                reply = Reply(body=PIXEL, kind="image/gif")
            case ["private", _] | ["media", "full" | "again" | "w160", _]:
                reply = self._photo(path)
        return reply

    def _number(self, text: str) -> int | None:
        """Return a look's number from a URL, None when there is no such look."""
        return int(text) if text.isdecimal() and int(text) < self.looks else None

    def _photo(self, path: str) -> Reply:
        """Return the original, its second address, or its thumbnail."""
        i = self._number(path.rsplit("/", 1)[1].removesuffix(".jpg").removeprefix("w160-"))
        if i is None:
            return NOT_FOUND
        if path == self.path(i) or (is_twice(i) and path == again(i)):
            return Reply(body=self._originals[i], kind="image/jpeg", noai=is_noai(i))
        return Reply(body=self._thumbs[i], kind="image/jpeg", noai=is_noai(i)) if path == thumb(i) else NOT_FOUND

    def _home(self) -> Reply:
        """Links to every show."""
        links = [f'<p><a href="/shows/{house}/{season}/">{house} {season}</a></p>' for house, season in self._shows]
        return document("Drawn collections", "", "".join(links))

    def _show(self, house: str, season: str, page: int) -> Reply:
        """One page of a show, in its house's markup, with rel=next to the following one."""
        numbers = self._shows.get((house, season), [])
        here = numbers[(page - 1) * PER_PAGE : page * PER_PAGE] if page > 0 else []
        if not here:
            return NOT_FOUND
        head = body = ""
        if house == "maison-gallery":
            head = gallery_script([(address, thumb(i)) for i in here for address in self._addresses(i)])
        else:
            body = "".join(MARKUP[house](i, address) for i in here for address in self._addresses(i))
        if page * PER_PAGE < len(numbers):
            following = f"/shows/{house}/{season}/?page={page + 1}"
            head += f'<link rel="next" href="{following}">'
            body += f'<a rel="next" href="{following}">Next</a>'
        return document(f"{house} {season}", head, body)

    def _addresses(self, i: int) -> list[str]:
        """Return the URL paths under which an original is published: one, or two with the same bytes."""
        return [self.path(i), again(i)] if is_twice(i) else [self.path(i)]

    def _detail(self, number: str) -> Reply:
        """Return the page of one look (or of its second address, N-again), which names the original in og:image."""
        again_page = number.endswith("-again")
        i = self._number(number.removesuffix("-again"))
        if i is None or (again_page and not is_twice(i)):
            return NOT_FOUND
        head = f'<meta property="og:image" content="{again(i) if again_page else self.path(i)}">'
        return document(f"Look {i}", head, f"<p>Look {i}</p>")


def is_private(i: int) -> bool:
    """Whether robots.txt keeps an original off limits."""
    return i % PRIVATE_EVERY == PRIVATE_EVERY - 1


def is_noai(i: int) -> bool:
    """Whether an original's response forbids its use for machine learning."""
    return i % NOAI_EVERY == NOAI_EVERY - 1


def is_twice(i: int) -> bool:
    """Whether an original is published under a second address too."""
    return i % TWICE_EVERY == TWICE_EVERY - 3 and not is_noai(i) and not is_private(i)


def thumb(i: int) -> str:
    """Return the URL path of a thumbnail, THUMB_WIDTH pixels wide; private looks have theirs off limits too."""
    return f"/private/w160-{i:05d}.jpg" if is_private(i) else f"/media/w160/{i:05d}.jpg"


def again(i: int) -> str:
    """Return the second URL path of an original that is published twice."""
    return f"/media/again/{i:05d}.jpg"


def gallery_script(addresses: list[tuple[str, str]]) -> str:
    """Return a JSON-LD ImageGallery of (original, thumbnail) addresses."""
    media = [{"@type": "ImageObject", "contentUrl": full, "thumbnailUrl": small} for full, small in addresses]
    gallery = {"@context": "https://schema.org", "@type": "ImageGallery", "associatedMedia": media}
    return f'<script type="application/ld+json">{json.dumps(gallery)}</script>'


def detail_link(i: int, address: str) -> str:
    """Return a thumbnail that links to a look's own page."""
    page = f"/looks/{i}-again" if address == again(i) else f"/looks/{i}"
    return f'<a href="{page}"><img src="{thumb(i)}" alt="look {i}"></a>'


MARKUP: dict[str, Callable[[int, str], str]] = {  # (look, address of its original) -> HTML
    "maison-plain": lambda i, full: f'<img src="{full}" alt="look {i}">',
    "maison-srcset": lambda i, full: f'<img src="{thumb(i)}" srcset="{thumb(i)} 160w, {full} 400w" alt="look {i}">',
    "maison-lazy": lambda i, full: f'<img src="{PLACEHOLDER}" data-src="{full}" alt="look {i}">',
    "maison-link": lambda i, full: f'<a href="{full}"><img src="{thumb(i)}" alt="look {i}"></a>',
    "maison-detail": detail_link,
}


class Server(ThreadingHTTPServer):
    """A threading server whose workers end with the process."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a scraper that hangs up is not news."""


def handler_for(site: DrawnSite) -> type[BaseHTTPRequestHandler]:
    """Return the request handler class of one site."""

    class Handler(BaseHTTPRequestHandler):
        """Pass each request to the site and write its reply."""

        protocol_version = "HTTP/1.1"
        timeout = 30  # seconds a connection may idle
        disable_nagle_algorithm = True  # else delayed acknowledgements cost 40 ms a request

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing."""

        def do_GET(self) -> None:
            """Answer with the site's reply, without the body for HEAD."""
            time.sleep(site.latency_s)
            reply = site.reply(self.path)
            try:
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.kind)
                self.send_header("Content-Length", str(len(reply.body)))
                if reply.noai:
                    self.send_header("X-Robots-Tag", "noai, noimageai")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(reply.body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_HEAD = do_GET  # noqa: N815

    return Handler
