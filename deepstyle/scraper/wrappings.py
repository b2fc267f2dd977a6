"""What attributes wrap JSON in (pure): a call or an assignment around it, base64, percent escapes."""

from __future__ import annotations

import re
from base64 import b64decode
from urllib.parse import unquote

_CALL = re.compile(r"\s*+[\w$.]{1,60}\s{0,4}[(=:]\s*+(?=[\[{])")
_BOUND = ("x-", "ng-", "data-ng-", "data-bind", "onclick", "@click")  # names of attributes whose values are code
_CODED = re.compile(r"(?:eyJ|eyA|ewo|W3s|WyI|WyJ|Wwo)[\w+/]+={0,2}", re.ASCII)  # base64 of JSON
_PERCENT = ("%7B%22", "%5B%7B", "%5B%22", "%7b%22", "%5b%7b", "%5b%22")  # and percent-encoded


def stated(name: str, value: str) -> str:
    """The JSON, or nearly that, that an attribute states, without the call around it in Alpine's ``x-data``; or nothing.

    It may be written in base64, or percent-encoded.
    """
    if len(value) <= 8 or name in {"style", "class", "data-interchange"}:
        return ""
    if value.startswith(_PERCENT):
        return unquote(value)
    if len(value) > 16 and _CODED.fullmatch(value):
        return from_base64(value)
    call = _CALL.match(value) if name.startswith(_BOUND) else None
    text = value[call.end() :].rstrip().removesuffix(")") if call else value
    return text if text.lstrip()[:1] in {"{", "["} else ""


def from_base64(text: str) -> str:
    """The text that is written in base64; empty where it is none."""
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8", "replace")
    except ValueError:
        return ""
