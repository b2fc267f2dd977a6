"""What `deepstyle settings` tells: every setting of a config with unit, bounds and meaning; every preset in a line (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from deepstyle.config import KINDS, MANY, Config, config_of, presets


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One key of a config: its value, the default of its kind, and what else it may be. ``unit``: "" for words and lists."""

    key: str
    value: Any
    default: Any
    unit: str
    allowed: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One preset that ships; ``default``: what the command takes without --config. ``summary``: its first comment line."""

    name: str
    kind: str
    default: bool
    summary: str


def settings_of(config: Config) -> list[Setting]:
    """Every setting of a config, in the order of its fields."""
    values = config.model_dump(mode="json")
    defaults = type(config).model_construct().model_dump(mode="json", warnings=False)
    return [
        Setting(key=key, value=values[key], default=defaults[key], allowed=allowed(field), **_meaning(field))
        for key, field in type(config).model_fields.items()
        if key != "kind"
    ]


def list_presets() -> list[Preset]:
    """All presets, by the stages' order, each stage's default first."""
    found = []
    for name, path in presets().items():
        kind = type(config_of(name)).model_fields["kind"].default
        summary = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        found.append(Preset(name=name, kind=kind, default=KINDS[kind].default_preset == name, summary=summary))
    stages = list(KINDS)
    return sorted(found, key=lambda one: (stages.index(one.kind), not one.default, one.name))


def _meaning(field: FieldInfo) -> dict[str, str]:
    """Unit and meaning: a number's description opens with its unit and a colon."""
    text = field.description or ""
    unit, colon, meaning = text.partition(": ")
    if colon and _numeric(field.annotation):
        return {"unit": unit, "meaning": meaning}
    return {"unit": "", "meaning": text}


def _kinds(annotation: Any) -> Iterator[Any]:
    """The types that an annotation allows: those of a union one by one."""
    if get_origin(annotation) in (Union, UnionType):
        for part in get_args(annotation):
            yield from _kinds(part)
    else:
        yield annotation


def _numeric(annotation: Any) -> bool:
    """The value is a number, a choice of numbers or a list of them."""
    for kind in _kinds(annotation):
        inner = get_args(kind) if get_origin(kind) in (tuple, Literal) else (kind,)
        if any(one in (int, float) or (isinstance(one, int) and not isinstance(one, bool)) for one in inner):
            return True
    return False


def allowed(field: FieldInfo) -> str:
    """What a field may be, as words: "1 to 64", "above 0, to 1", "tight, square", "text", with "or null" where it may be null."""
    words = [_words(kind, field) for kind in _kinds(field.annotation)]
    return " or ".join(word for word in words if word)


def _words(kind: Any, field: FieldInfo) -> str:
    if kind is type(None):
        return "null"
    if kind is bool:
        return "true, false"
    if get_origin(kind) is Literal:
        return ", ".join(str(one) for one in get_args(kind))
    if get_origin(kind) is dict:
        return "lists of texts by name"
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        return f"list of {_words(inner, field) if get_origin(inner) is Literal else _PLURALS[inner]}"
    return _range(field.metadata) if kind in (int, float) else "text"


_PLURALS = {str: "texts", int: "whole numbers"}


def _range(metadata: list[Any]) -> str:
    """The bounds of a number: "1 to 64", "above 0 to 1", "0 to below 1", "from 1"."""
    low = high = ""
    for bound in metadata:  # annotated_types' Ge, Gt, Le, Lt
        if hasattr(bound, "ge"):
            low = _number(bound.ge)
        elif hasattr(bound, "gt"):
            low = f"above {_number(bound.gt)}"
        elif hasattr(bound, "le"):
            high = _number(bound.le) if bound.le < MANY else ""
        elif hasattr(bound, "lt"):
            high = f"below {_number(bound.lt)}"
    return f"{low} to {high}" if high else low if low.startswith("above") else f"from {low}"


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
