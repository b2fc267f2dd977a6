"""Cookies: a browser's, as cookies.txt holds them, and those that sites set (edge)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http.cookiejar import CookieJar, LoadError, MozillaCookieJar
from pathlib import Path
from typing import Any
from urllib.request import Request

from deepstyle.errors import InputError, UsageError
from deepstyle.files import is_regular, reason, shown

_UNFIT = re.compile(r"[^\t -~\x80-\xff]")


def load_cookies(jar: CookieJar, path: str) -> None:
    """Put the cookies of a Netscape cookies.txt into the jar; an empty path: none. Raises UsageError for no such file."""
    if not path:
        return
    if not is_regular(Path(path)):
        raise UsageError(f"--cookies {shown(path)}: there is no such file")
    found = MozillaCookieJar(path)
    try:
        found.load(ignore_discard=True, ignore_expires=True)
    except (LoadError, OSError, ValueError) as error:
        words = reason(error) if isinstance(error, OSError) and error.strerror else "not a Netscape cookies.txt"
        raise InputError(f"--cookies {shown(path)}: {words}") from error
    for cookie in found:
        if cookie.expires == 0:  # how browsers' exports write a cookie that lives as long as the browser is open
            cookie.expires, cookie.discard = None, True
        jar.set_cookie(cookie)


class _Answer:
    """An answer as ``http.cookiejar`` looks at it."""

    def __init__(self, headers: Any) -> None:
        self._headers = headers

    def info(self) -> Any:
        """Its headers, which know ``get_all``."""
        return self._headers


def cookie_header(jar: CookieJar, url: str) -> dict[str, str]:
    """The header that a request for this URL has for its cookies; empty without any. What no header may hold is left out."""
    if not len(jar):
        return {}
    request = Request(url)  # noqa: S310 - nothing is opened
    jar.add_cookie_header(request)
    fit = [one for one in (request.get_header("Cookie") or "").split("; ") if one and not _UNFIT.search(one)]
    return {"Cookie": "; ".join(fit)} if fit else {}


def circles(jar: CookieJar, url: str, seen: Sequence[str]) -> bool:
    """Whether a redirect leads to where one was before, and nothing has changed.

    A page that asks for consent, or looks whether cookies are kept, sets one and sends back: where a cookie is sent now, the
    URL is asked for once more.
    """
    return url in seen and (seen.count(url) > 1 or not cookie_header(jar, url))


def keep_cookies(jar: CookieJar, url: str, headers: Any) -> None:
    """Take the cookies of an answer (urllib3's headers) into the jar."""
    if "Set-Cookie" in headers:
        jar.extract_cookies(_Answer(headers), Request(url))  # type: ignore[arg-type]  # noqa: S310
