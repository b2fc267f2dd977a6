"""What lazy images carry for a script to make their address of (pure): ``<img data-sku="A7">``, ``src = base + e.dataset.sku``.

The values are handed to ``sums.py`` as lists that a loop goes through, in the place where the script asks an element for its.
Nothing is run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

MAX_ROWS = 400  # images
MAX_TEXT = 300_000  # characters of a script

_NAME = r"[A-Za-z_$][\w$]{0,40}"
_ELEMENT = rf"(?<![\w$.])(?:{_NAME}|\$\(\s{{0,3}}{_NAME}\s{{0,3}}\))"
_USE = re.compile(
    rf"{_ELEMENT}\.(?:dataset\.(?P<camel>{_NAME})(?![\w$(])|dataset\[\s{{0,3}}[\"'](?P<key>[\w-]{{1,40}})[\"']\s{{0,3}}\]"
    rf"|(?:getAttribute|attr)\(\s{{0,3}}[\"']data-(?P<name>[\w-]{{1,40}})[\"']\s{{0,3}}\)"
    rf"|data\(\s{{0,3}}[\"'](?P<data>[\w-]{{1,40}})[\"']\s{{0,3}}\))(?!\s{{0,9}}=(?!=))"
)
_HUMP = re.compile(r"(?=[A-Z])")
_PART = re.compile(r"[\w.~-]{1,80}(?:/[\w.~-]{1,80}){0,4}")  # of an address
_SHOWN = re.compile(r"\.(?:jpe?g|png|webp|avif)(?:\?|$)", re.IGNORECASE)
_BLANK = re.compile(r"blank|spacer|placeholder|pixel|load|lazy|transparent|empty|dummy|1x1", re.IGNORECASE)


class Datasets:
    """The values of ``data-`` attributes of images that show no photo of their own."""

    def __init__(self) -> None:
        self._rows: list[dict[str, str]] = []  # of an image each: name without data- -> value

    def noted(self, tag: str, attributes: Mapping[str, str]) -> Mapping[str, str]:
        """Take an element's values; returns its attributes as they are."""
        if tag != "img" or len(self._rows) >= MAX_ROWS:
            return attributes
        source = attributes.get("src", "")[-300:]
        if not _SHOWN.search(source) or _BLANK.search(source):
            row = {
                name[5:]: value
                for name, value in attributes.items()
                if name.startswith("data-") and _PART.fullmatch(value) and not _SHOWN.search(value)
            }
            self._rows += [row] if row else []
        return attributes

    def spelled(self, text: str) -> str:
        """The script, with a list before it of the values of each attribute that it asks elements for."""
        if not self._rows or len(text) > MAX_TEXT:
            return text
        known, used = set().union(*self._rows), dict[str, str]()

        def listed(use: re.Match[str]) -> str:
            name = _HUMP.sub("-", use["camel"]).lower() if use["camel"] else use["key"] or use["name"] or use["data"]
            return f"{used.setdefault(name, f'$values{len(used)}')}[$of]" if name in known else use[0]

        written = _USE.sub(listed, text)
        rows = dict.fromkeys(tuple(map(row.get, used)) for row in self._rows if used.keys() <= row.keys())
        if not used or not rows:
            return text
        lists = (
            f"var {name} = {json.dumps(values)};\n"
            for name, values in zip(used.values(), zip(*rows, strict=True), strict=True)
        )
        return "".join([*lists, written])
