"""Cookies of a browser, as cookies.txt holds them (edge)."""

from __future__ import annotations

from http.cookiejar import CookieJar, LoadError, MozillaCookieJar
from pathlib import Path

from deepstyle.errors import InputError
from deepstyle.files import is_regular, reason, shown


def load_cookies(jar: CookieJar, path: str) -> None:
    """Put the cookies of a Netscape cookies.txt into the jar; an empty path: none. Raises InputError for no such file."""
    if not path:
        return
    if not is_regular(Path(path)):
        raise InputError(f"--cookies {shown(path)}: there is no such file")
    found = MozillaCookieJar(path)
    try:
        found.load(ignore_discard=True, ignore_expires=True)
    except (LoadError, OSError, ValueError) as error:
        words = reason(error) if isinstance(error, OSError) and error.strerror else "not a Netscape cookies.txt"
        raise InputError(f"--cookies {shown(path)}: {words}") from error
    for cookie in found:
        jar.set_cookie(cookie)
