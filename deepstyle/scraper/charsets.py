"""Bytes of a page -> text, as browsers read it (pure): what is stated counts, and where nothing is, what the bytes look like.

Sources: WHATWG "determining the character encoding" and its encodings' tables; KS X 1001, GB 2312, Big5 (rows of common signs).
"""

from __future__ import annotations

import re

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_PAIRS = re.compile(rb"[\x81-\xfe][\x40-\xfe]")  # signs of two bytes
_KANA = re.compile(r"[\u3041-\u30fe]")
_BESIDE = re.compile(r"[\u0400-\u04ff]{2,100}")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
MAX_LOOKED = 200_000  # bytes that are looked at
LEAST = 4  # signs that are no ASCII, for the bytes to look like anything
MOST_OF = 0.8  # share of them that must be what the encoding's language is written with


def marked(body: bytes) -> str | None:
    r"""The encoding that a byte order mark at the beginning of a text states; None where there is none.

    >>> marked(b"\xff\xfea\0")
    'utf-16'
    """
    return next((name for bom, name in _BOMS if body.startswith(bom)), None)


def decoded(body: bytes, charset: str | None) -> str:
    """Bytes to text: by the byte order mark, the header, the meta element, as UTF-8, or in what they look like.

    >>> decoded("Показ мод".encode("cp1251"), None)
    'Показ мод'
    """
    declared = _META_CHARSET.search(body[:4096])
    names = [name for name in (marked(body), charset) if name]
    names += [declared[1].decode("ascii")] if declared else []
    for name in [*names, "utf-8"]:
        try:
            return body.decode("cp1252" if name.lower() in {"iso-8859-1", "latin-1", "ascii"} else name)
        except (LookupError, ValueError):  # an unknown name, a codec that is no text encoding, or bytes that do not fit
            continue
    return body.decode("utf-8" if names else looks_like(body), "replace")


def looks_like(body: bytes) -> str:
    """The encoding that a text without a statement seems to be in, of those that pages of old are in; else ``cp1252``."""
    body = body[:MAX_LOOKED].rpartition(b">")[0] or body[:MAX_LOOKED]
    text = body.decode("utf-8", "replace")
    if 10 * text.count("\ufffd") < len(_FOREIGN.findall(text)):  # a few signs of it are broken
        return "utf-8"
    for name in ("euc_jp", "cp932"):
        text = _read(body, name)
        foreign = len(_FOREIGN.findall(text))
        if foreign >= LEAST and 5 * len(_KANA.findall(text)) >= foreign:
            return name
    ascii_too = sum(byte < 0x80 for byte in body)
    pairs = _PAIRS.findall(body)
    if len(pairs) >= LEAST and 2 * len(pairs) >= MOST_OF * (len(body) - ascii_too):
        shares = {name: _common(pairs, *rows) if _read(body, name) else 0.0 for name, rows in _ROWS.items()}
        name = max(shares, key=lambda one: shares[one])
        if shares[name] >= MOST_OF and _none_alone(body):
            return name
    return _of_single_bytes(body)


_ROWS = {"cp949": (0xB0, 0xC8), "big5": (0xA4, 0xC6), "gb18030": (0xB0, 0xD7)}  # of common signs, the narrowest first


def _read(body: bytes, name: str) -> str:
    try:
        return body.decode(name)
    except ValueError:
        return ""


def _common(pairs: list[bytes], first: int, last: int) -> float:
    return sum(first <= pair[0] <= last for pair in pairs) / len(pairs)


def _none_alone(body: bytes) -> bool:
    """Whether signs of two bytes stand together, as in Chinese and Korean; a letter with an accent stands in a word."""
    runs: list[bytes] = re.findall(rb"[\x80-\xff][\x40-\xff]{0,100}", body)
    return sum(len(run) >= 4 and sum(byte >= 0x80 for byte in run) * 3 >= 2 * len(run) for run in runs) * 2 >= len(runs)


def _of_single_bytes(body: bytes) -> str:
    """Russian as Windows or Unix wrote it, Hebrew, or a language of the west, whose accents stand alone in their words."""
    text = body.decode("cp1251", "replace")
    foreign = len(_FOREIGN.findall(text))
    words = "".join(_BESIDE.findall(text))
    if foreign < LEAST or len(words) < MOST_OF * foreign:
        return "cp1252"
    if not any(letter in "ыьэюя" or letter.isupper() for letter in words):
        return "cp1255"
    return "cp1251" if 2 * sum(letter.islower() for letter in words) >= len(words) else "koi8_r"
