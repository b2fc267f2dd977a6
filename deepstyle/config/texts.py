"""Presets, YAML files and values of ``--set`` -> keys and values (edge)."""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from deepstyle.errors import ConfigError, InputError
from deepstyle.files import exists, read_regular, reason, shown

VALUES = frozenset({"runway-houses"})  # files in configs/ that fill templates and are no presets
MOST = 100_000  # bytes of a config file; ours have 3,000 at most


def presets() -> dict[str, Path]:
    """Every preset shipped with the package: name -> YAML file."""
    folder = Path(str(resources.files("deepstyle") / "configs"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml")) if path.stem not in VALUES}


def load_values(source: str) -> dict[str, tuple[str, ...]]:
    """What fills the gaps of a template: each name's texts, from a shipped file (VALUES) or one's own YAML file.

    Raises ConfigError for what is no such file.
    """
    path = Path(str(resources.files("deepstyle") / "configs" / f"{source}.yaml")) if source in VALUES else source
    if not exists(Path(path)):
        raise ConfigError(
            f"--values {shown(source)}: there is no such file; write one, a line a gap, e.g. house: [chanel, dior]; or give "
            f"{', '.join(sorted(VALUES))}, which ships"
        )
    values = read_settings(str(path), flag="--values")
    if isinstance(values.get("kind"), str):  # what the file is; a list fills a gap of that name
        del values["kind"]
    found: dict[str, tuple[str, ...]] = {}
    for name, texts in values.items():
        if not isinstance(texts, list) or not texts or not all(isinstance(one, str | int) for one in texts):
            raise ConfigError(f"--values {source}: {name} must be a list of words, e.g. {name}: [one, two]")
        found[name] = tuple(str(one) for one in texts)
    return found


def read_settings(name: str, kind: str = "", flag: str = "--config") -> dict[str, Any]:
    """The keys and values of a preset or YAML file; ``kind``: the stage whose presets a misspelt name is compared with."""
    path = presets().get(name, Path(name))
    if not exists(path):
        known = [preset for preset in presets() if not kind or read_settings(preset)["kind"] == kind]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"presets: {', '.join(known)}."
        raise ConfigError(
            f"{flag} {shown(name)}: neither a file nor a preset; {hint} `deepstyle settings` tells what they are"
        )
    try:
        values = parsed(read_regular(path, MOST).decode("utf-8-sig"), f"{flag} {shown(path)}")
    except OSError as error:
        raise ConfigError(f"{flag} {shown(path)}: cannot be read ({reason(error)})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{flag} {shown(path)}: not valid YAML ({error})") from error
    except InputError as error:
        raise ConfigError(f"{flag} {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ConfigError(f"{flag} {shown(path)}: must be a mapping of key: value lines")
    return dict(values)


class _Plain(yaml.SafeLoader):
    """YAML without aliases, of which a few lines can stand for a billion values."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """A value written out; never one that stands elsewhere."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias (*name) stands for a value; write the value itself")
        return super().compose_node(parent, index)


def parsed(text: str, origin: str) -> Any:
    """The value that a YAML text is. Raises ConfigError whatever is wrong with it."""
    try:
        return yaml.load(text, Loader=_Plain)  # noqa: S506  # a SafeLoader
    except yaml.YAMLError as error:
        raise ConfigError(f"{origin}: not valid YAML ({' '.join(str(error).split())})") from error
    except RecursionError as error:
        raise ConfigError(f"{origin}: brackets within brackets without end are no value") from error
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:  # PyYAML's of 2020-99-99
        raise ConfigError(f"{origin}: not a value that YAML knows ({error}); put a text in quotes") from error
