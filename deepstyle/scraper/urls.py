"""URLs as identities (pure): normal form, the key that spots permutations, the shape that spots traps.

Sources: RFC 3986 section 6 (normalisation) and 5.2.4 (dot segments); the WHATWG URL standard for what browsers forgive.
No function here raises: a reference that is no usable http(s) URL becomes the empty text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
IMAGE_EXTENSIONS = frozenset({"jpg", "jpeg", "jpe", "jfif", "png", "webp", "avif", "gif", "bmp", "tif", "tiff"})
UNDECODABLE = frozenset({"svg", "svgz", "ico", "jxl", "heic", "heif", "hif", "jp2", "j2k", "jpx", "eps", "psd", "pdf"})
OTHER_EXTENSIONS = UNDECODABLE | frozenset({
    "pdf", "zip", "gz", "rar", "7z", "tar", "mp4", "webm", "mov", "avi", "mp3", "wav", "ogg", "m4a", "css", "js",
    "mjs", "json", "woff", "woff2", "ttf", "eot", "svg", "ico", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "psd",
    "ai", "eps", "exe", "dmg", "apk", "ics", "csv",
})  # fmt: skip
MAX_URL = 2_000  # characters; longer ones come from relative-link loops
MAX_REPEATS = 3  # how often one word may occur as a path segment

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:.]*:[0-9a-f:.]*")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_IN_PATH, _IN_QUERY = "/%:@!$&'()*+,;=~", "/%:@!$&()*+,;=~?"  # what needs no percent escape
_PLAIN = re.compile(r"(?>(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*+)+)/?+")  # a path without dot segments, escapes and query
_NORMAL = re.compile(  # a URL in normal form beyond doubt: a name, perhaps a port that is no default, a plain path
    r"https?://(?=[^/]{1,200}/)[a-z0-9_][a-z0-9_.-]*+(?<![.-])(?::(?!80/|443/)(?:[1-9][0-9]{1,3}|[1-5][0-9]{4}))?"
    r"(?:/|(?>(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*+)+)/?+)"
)
_SERVED = re.compile(  # what servers of pictures call them, with no extension
    r"/is/image/[^/?]+/[^?]|\.media\.amplience\.net/i/[^/?]+/[^?]|/medias/\?context="
    r"|//ucarecdn\.com/[0-9a-f-]{36}/|imagedelivery\.net/[^/?]+/"
    r"|/_next/image/?\?url=|//images\.unsplash\.com/photo-"
    r"|/transform/[0-9a-f-]{36}/|\.graphassets\.com/|cdn\.filestackcontent\.com/"
    r"|pbs\.twimg\.com/media/|//image\.mux\.com/|/dw/image/v2/|wsimg\.com/isteam/(?:ip|stock|getty)/"
)
_WRITTEN_IN = (*"<>\n{}\"'", "($", "%s")  # of what is no URL, or one that a script has to fill in
_SPACED = re.compile(  # a path whose names have spaces in them, as people write them: the first of them is no word of a sentence
    r"(?:https?:|\.{1,2})?(?:/|[^\s,:;/]{1,60}/)[^\s,;]{0,300}(?> [^\s,;]{1,100}){1,12}"
)
_PICTURED = re.compile(r"\.(?:jpe?g|png|webp|avif|gif)(?!\w)", re.IGNORECASE)
_WIKI = re.compile(r"/(?:wiki|w)/[^/?.]{1,40}(?::|%3A)|/index\.php/|[/=](?:File|Image|Datei|Fichier):")
_TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|msclkid|mc_[ce]id|igshid|ref_src|phpsessid|jsessionid|sessionid|session_id|sid|_ga",
    re.IGNORECASE,
)
_PATH_SESSION = re.compile(  # as Java's servers write it
    r";(?:jsessionid|phpsessid|sessionid|sid)=[\w.!-]*+", re.IGNORECASE
)
_CODES = re.compile(r"(?<![a-z0-9])(?=[a-f]*\d)[0-9a-f]{8,}(?![a-z0-9])|\d+", re.IGNORECASE)


def normalise(url: str) -> str:
    """The normal form of an absolute http(s) URL, without fragment and credentials; empty when it is none.

    Scheme and host in lower case, IDNA for other scripts, no default port, no dot segments, percent escapes only where
    they are needed. ``normalise(normalise(u)) == normalise(u)``.
    """
    if _NORMAL.fullmatch(url):  # most are
        return url
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
        host = host if host.isascii() else host.encode("idna").decode("ascii").lower()
    except ValueError:  # UnicodeError is one, too
        return ""
    if parts.scheme not in DEFAULT_PORTS or len(host) > 253 or not _HOST.fullmatch(host):
        return ""
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != DEFAULT_PORTS[parts.scheme]:
        netloc += f":{port}"
    path = _without_dots(_escaped(parts.path.replace("\\", "/"), _IN_PATH))
    query = f"?{_escaped(parts.query, _IN_QUERY)}" if parts.query else ""
    return f"{parts.scheme}://{netloc}{path}{query}"


def normal_pattern(pattern: str) -> str:
    """A path pattern as robots.txt writes it, escaped as the URLs that it is compared with (RFC 9309 2.2.2)."""
    path, mark, query = pattern.partition("?")
    return _escaped(path, _IN_PATH) + mark + _escaped(query, _IN_QUERY)


def resolve(base: str, reference: str) -> str:
    """A reference found in a document at ``base`` as a normal URL; empty for ``data:``, ``http://[`` ..."""
    if _PLAIN.fullmatch(reference):  # most are; it is what the long way gives
        return _root(base) and _root(base) + reference
    try:
        return normalise(urljoin(base, _forward(reference.strip())))
    except ValueError:
        return ""


def _forward(reference: str) -> str:
    """A reference with slashes where Windows' programs write backslashes, as browsers read it."""
    if "\\" not in reference:
        return reference
    path, mark, query = reference.partition("?")
    return path.replace("\\", "/") + mark + query


@lru_cache(maxsize=256)
def _root(base: str) -> str:
    """Scheme, host and port of a document's URL in normal form; empty when it has none."""
    try:
        return normalise(urljoin(base, "/")).removesuffix("/")
    except ValueError:
        return ""


def _escaped(text: str, safe: str) -> str:
    def fix(match: re.Match[str]) -> str:
        if match[1] is None:
            return "%25"
        char = chr(int(match[1], 16))
        return char if char in _UNRESERVED else match[0].upper()

    return _ESCAPE.sub(fix, quote(text, safe=safe, errors="replace"))


def _without_dots(path: str) -> str:
    out: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            del out[-1:]
        elif segment != ".":
            out.append(segment)
    if path.endswith(("/.", "/..")):
        out.append("")
    return "/" + "/".join(out)


def origin(url: str) -> str:
    """Scheme, host and port of a normal URL, e.g. ``http://site.example:8080``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def host(url: str) -> str:
    """Host and port of a normal URL: what one rate and one queue belong to."""
    return urlsplit(url).netloc


def hosts_of(url: str) -> set[str]:
    """What the host of a normal URL may be called: with its port, and without, which stands for all its ports."""
    return {host(url), re.sub(r":\d*$", "", host(url))}


def page_key(url: str) -> str:
    """What two URLs of the same page share: query parameters in any order and once, without those of tracking and sessions."""
    head, _, query = url.partition("?")
    head = _PATH_SESSION.sub("", head) if ";" in head else head
    pairs = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if not _TRACKING.fullmatch(name)]
    return f"{head}?{urlencode(sorted(set(pairs)))}" if pairs else head


def shape(url: str) -> str:
    """The URL with every number and hex code replaced by ``#`` and the parameters' names: a trap's signature.

    >>> shape("http://a.example/calendar/2017/01/?view=list")
    'http://a.example/calendar/#/#/?view'
    """
    head, _, query = url.partition("?")
    parts = urlsplit(_PATH_SESSION.sub("", head) if ";" in head else head)
    names = sorted({name for name, _ in parse_qsl(query, keep_blank_values=True) if not _TRACKING.fullmatch(name)})
    path = _CODES.sub("#", parts.path)
    return f"{origin(head)}{path}" + (f"?{'&'.join(names)}" if names else "")


def narrows(url: str, parent: str) -> bool:
    """Whether a URL is its parent's with more parameters than it has: a second filter of a shop, which shows some of the same.

    >>> narrows("http://a.example/coats?size=8&colour=red", "http://a.example/coats?colour=red")
    True
    """
    (head, _, query), (other, _, fewer) = url.partition("?"), parent.partition("?")
    return bool(fewer) and head == other and set(parse_qsl(fewer)) < set(parse_qsl(query))


def below(url: str, links: Iterable[str]) -> frozenset[str]:
    """The links that lead below a page's folder, as names from there; none where all are numbers, as days and parts are.

    >>> sorted(below("http://a.example/a/", ["http://a.example/a/b/", "http://a.example/c/"]))
    ['b/']
    """
    base = url.partition("?")[0].rpartition("/")[0] + "/"
    names = frozenset(one[len(base) :] for one in links if one.startswith(base) and len(one) > len(base))
    return names if any(any(map(str.isalpha, name)) for name in names) else frozenset()


def runaway(url: str) -> bool:
    """Whether the URL looks made by a relative-link loop: too long, or one word again and again in its path."""
    words = [word for word in urlsplit(url).path.split("/") if word and not word.isdigit()]
    return len(url) > MAX_URL or any(words.count(word) > MAX_REPEATS for word in set(words))


def extension(url: str) -> str:
    """The extension of the last path segment in lower case without the dot, or an empty text."""
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    return name.rpartition(".")[2].lower() if "." in name else ""


def extension_of(reference: str) -> str:
    """The extension of a reference as written, absolute or not, in lower case; an empty text when there is none."""
    path = reference[-MAX_URL:].partition("?")[0].partition("#")[0]
    return path.rpartition("/")[2].rpartition(".")[2].strip().lower() if "." in path.rpartition("/")[2] else ""


def is_picture_url(value: Any, *, surely: bool = False, named: bool = False) -> bool:
    """Whether a text looks like a picture's URL; ``surely`` when its place says so and no extension is needed.

    ``named``: its key says so, and a file's name is enough. Spaces may be in the names of its folders and file.
    """
    if not isinstance(value, str) or not 2 < len(value) <= MAX_URL or any(part in value for part in _WRITTEN_IN):
        return False
    ending = extension_of(value)
    if " " in value:
        return ending in IMAGE_EXTENSIONS and bool(_SPACED.fullmatch(value)) and len(_PICTURED.findall(value)) == 1
    if "/" not in value:
        return ending in IMAGE_EXTENSIONS and (surely or named)
    other = ending in {"svg", "mp4", "webm", "html", "php", "js", "json"}
    return ending in IMAGE_EXTENSIONS or (not other and (surely or is_served(value)))


def asks_picture(address: str) -> bool:
    """Whether an address with a host asks its server for a picture by the name of its file: ``//a.example/x?set=[/a/1.jpg]``."""
    return address.startswith(("http", "//")) and _PICTURED.search(address[:MAX_URL].partition("?")[2]) is not None


def is_served(reference: str) -> bool:
    """Whether a reference is an address of a server that has nothing but pictures, whose names need no extension."""
    return _SERVED.search(reference[:300]) is not None


def names_image(url: str) -> bool:
    """Whether the URL's path ends like a photo's file name, and is no wiki's page of that file (``/wiki/File:1.jpg``)."""
    return extension(url) in IMAGE_EXTENSIONS and not _WIKI.search(url)
