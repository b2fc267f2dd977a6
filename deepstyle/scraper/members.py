"""Members of objects that a script states, written out where it uses them (pure): ``var c = {path: "looks/"}; c.path + i``.

What is a plain string or number in an object that is stated once, and that nothing else is assigned to, stands in the place of
its use, so that ``sums.py`` reads strings and numbers only. Nothing is run.
"""

from __future__ import annotations

import json
import re

MAX_OBJECTS = 50  # of a script

_NAME = r"[A-Za-z_$][\w$]{0,40}"
_OBJECT = re.compile(rf"(?<![\w$.])({_NAME})\s{{0,9}}=\s{{0,9}}\{{([^{{}}]{{1,3000}}+)\}}")
_MEMBER = re.compile(
    rf"(?:^|,)\s{{0,99}}[\"']?({_NAME})[\"']?\s{{0,9}}:\s{{0,9}}"
    rf"(?:'([^'\\\r\n]{{0,300}})'|\"([^\"\\\r\n]{{0,300}})\"|(\d{{1,4}}))\s{{0,99}}(?=,|$)"
)
_GAP = re.compile(rf"\$\{{\s{{0,3}}({_NAME})\.({_NAME})\s{{0,3}}\}}")
_USE = re.compile(rf"(?<![\w$.])({_NAME})\.({_NAME})(?![\w$.(\[])(\s{{0,9}}[-+*]?=(?!=))?")

Members = dict[tuple[str, str], str | int]


def spelled(text: str) -> str:
    """The script with the members of its objects written out."""
    members = _stated(text)
    if not members:
        return text

    def within(gap: re.Match[str]) -> str:
        value = str(members.get((gap[1], gap[2]), "`"))
        return gap[0] if "`" in value or "${" in value else value

    def alone(use: re.Match[str]) -> str:
        value = members.get((use[1], use[2]))
        return use[0] if value is None else json.dumps(value, ensure_ascii=False)

    return _USE.sub(alone, _GAP.sub(within, text))


def _stated(text: str) -> Members:
    members: Members = {}
    seen: set[str] = set()
    for match, _ in zip(_OBJECT.finditer(text), range(MAX_OBJECTS), strict=False):
        if match[1] in seen:  # it is another object at another time
            members = {key: value for key, value in members.items() if key[0] != match[1]}
            continue
        seen.add(match[1])
        for one in _MEMBER.finditer(match[2]):
            members[match[1], one[1]] = int(one[4]) if one[4] else one[2] or one[3] or ""
    for use in _USE.finditer(text) if members else ():
        if use[3]:
            members.pop((use[1], use[2]), None)
    return members
