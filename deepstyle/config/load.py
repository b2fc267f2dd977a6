"""Preset -> file -> ``--set`` -> one frozen, checked object, and back into YAML."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from deepstyle.config.base import Config
from deepstyle.config.classifier import ClassifierConfig, TaggerConfig
from deepstyle.config.crop import CropConfig
from deepstyle.config.detector import DetectorConfig, Detectron2Config, MaskConfig
from deepstyle.config.gan import CIRCUMSTANCES, GanConfig
from deepstyle.config.scrape import ScrapeConfig
from deepstyle.config.texts import parsed, read_settings
from deepstyle.errors import ConfigError

C = TypeVar("C", bound=Config)


KINDS: dict[str, type[Config]] = {  # what a command takes without --config; a detectron2 detector is asked for by name
    "scrape": ScrapeConfig, "detector": DetectorConfig, "masks": MaskConfig, "crop": CropConfig,
    "classifier": ClassifierConfig, "tagger": TaggerConfig, "gan": GanConfig,
}  # fmt: skip


def detector_kind(source: str | Path | None = None) -> type[DetectorConfig | Detectron2Config]:
    """The class of a detector's preset or YAML file, by its ``backend`` key; torchvision's without one."""
    named = read_settings(str(source), kind="detector").get("backend") if source is not None else None
    return Detectron2Config if named == "detectron2" else DetectorConfig


def config_of(source: str) -> Config:
    """The config of any preset or YAML file, by its ``kind`` key. Raises ConfigError when it names no stage."""
    kind = _stage(source)
    return load_config(detector_kind(source) if kind == "detector" else KINDS[kind], source)


def _stage(source: str) -> str:
    """What a preset or YAML file is for: one of ``KINDS``."""
    kind = read_settings(source).get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(f"--config {source}: its `kind` must be one of {', '.join(KINDS)}")
    return kind


def load_config(
    kind: type[C], source: str | Path | None = None, overrides: Sequence[str] = (), *, like: Config | None = None,
    origins: Mapping[str, str] | None = None,
) -> C:  # fmt: skip
    """Build a config: defaults, then the preset or YAML file ``source``, then ``key=value`` overrides.

    Without ``source`` the settings of ``like`` take the place of the default preset, those of one run's circumstances aside.
    ``origins``: by which option an override's key was given, where that is not ``--set KEY``.
    Raises ConfigError naming the preset, file or override, and what would be right.
    """
    name = str(source) if source is not None else kind.default_preset
    expected = kind.model_fields["kind"].default
    if source is None and like is not None:
        values = like.model_dump(mode="json", exclude=CIRCUMSTANCES)
    else:
        values = read_settings(name, kind=expected)
    if values.get("kind", expected) != expected:
        raise ConfigError(f"--config {name}: this is a {values['kind']} config, the command needs a {expected} one")
    given: dict[str, str] = {}
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {override}: write it as key=value, e.g. --set batch_size=32")
        values[key.strip()] = parsed(text, f"--set {override}")
        given[key.strip()] = (origins or {}).get(key.strip(), f"--set {key.strip()}")
    return build(kind, values, origin=f"--config {name}", origins=given)


def build(kind: type[C], values: dict[str, Any], *, origin: str, origins: Mapping[str, str] | None = None) -> C:
    """Validate ``values`` into a config; the ConfigError names every wrong key by what gave it: ``origins``, else ``origin``."""
    known = origins or {}
    try:
        return kind.model_validate({**values, **_texts(values)})
    except ValidationError as error:
        own, rest = [], []
        for item in error.errors():
            if by := [known[key] for key in known if key in _keys_of(item)]:
                own.append(f"{', '.join(by)}: {_plain(item, kind)}")
            else:
                rest.append(f"{'.'.join(map(str, item['loc'])) or 'config'}: {_plain(item, kind)}")
        raise ConfigError("; ".join([*own, *([f"{origin}: {'; '.join(rest)}"] if rest else [])])) from error


def _keys_of(problem: ErrorDetails) -> list[str]:
    """The key that a problem is about; where several do not fit together, all words of what is said of them."""
    return [str(problem["loc"][0])] if problem["loc"] else re.findall(r"\w+", problem["msg"])


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    """YAML reads ``32`` as a number and ``a`` as a text; fields that want a text or a list get one."""
    fixed: dict[str, Any] = {}
    if isinstance(values.get("precision"), int):
        fixed["precision"] = str(values["precision"])
    for key in ("labels", "augment", "exclude", "chosen"):
        if isinstance(values.get(key), str) and values[key] != "auto":
            fixed[key] = [part for part in values[key].replace(",", " ").split() if part]
    return fixed


def _plain(problem: ErrorDetails, kind: type[Config]) -> str:
    key, message = ".".join(map(str, problem["loc"])), problem["msg"]
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, kind.model_fields, n=1)
        return (
            f"unknown key; did you mean {near[0]}?"
            if near
            else f"unknown key; known are {', '.join(kind.model_fields)}"
        )
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])  # a check of ours: its words, without pydantic's
    if str(problem["input"]).strip().lower().lstrip("+-") == "nan":
        return f"must be a number, not {problem['input']}"  # which is within no bounds
    return message[0].lower() + message[1:]


def to_yaml(config: Config) -> str:
    """The whole config as YAML, in the order of its fields; ``load_config`` reads it back to an equal object."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def as_overrides(settings: Mapping[str, Any]) -> list[str]:
    """Settings as ``key=value``, those aside of which nothing is said."""
    plain = {key: value for key, value in settings.items() if value is not None and value is not False and value != ()}
    return [
        f"{key}={yaml.safe_dump(value, default_flow_style=True, width=10**9).splitlines()[0]}"
        for key, value in plain.items()
    ]


def keys_of(overrides: Iterable[str]) -> list[str]:
    """The settings that these ``key=value`` name."""
    return [one.partition("=")[0].strip() for one in overrides]


def as_flags(settings: Mapping[str, Any]) -> str:
    """Settings as a shell takes them, to be copied from a message: ``--set 'exclude=[Not sure]'``."""
    return " ".join(f"--set {shlex.quote(one)}" for one in as_overrides(settings))


class Stages(BaseModel):
    """One config per stage, for commands that run several.

    ``gan_given``: what was said of the GAN (``key=value``) where no preset was named, so that the rest can be chosen when
    there are garments (``choosing.py``); None with a preset.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    scrape: ScrapeConfig
    detector: DetectorConfig | Detectron2Config
    masks: MaskConfig
    crop: CropConfig
    classifier: ClassifierConfig
    gan: GanConfig
    gan_given: tuple[str, ...] | None = None


def load_stages(
    sources: Sequence[str] = (), overrides: Sequence[str] = (), *, origins: Mapping[str, str] | None = None
) -> Stages:
    """Configs of all stages: each source replaces the preset of the stage it is for; overrides are ``stage.key=value``.

    ``origins``: by which option a ``stage.key`` was given, where that is not ``--set STAGE.KEY``.
    """
    names = [name for name in Stages.model_fields if name in KINDS]
    chosen: dict[str, str] = {}
    for source in sources:
        if (stage := _stage(source)) not in names:
            raise ConfigError(f"--config {source}: is for none of the stages {', '.join(names)}")
        chosen[stage] = source
    changes: dict[str, list[str]] = {stage: [] for stage in names}
    given: dict[str, dict[str, str]] = {stage: {} for stage in names}
    for override in overrides:
        stage, dot, rest = override.partition(".")
        if not dot or stage not in changes:
            raise ConfigError(f"--set {override}: write it as STAGE.KEY=VALUE; stages: {', '.join(changes)}")
        changes[stage].append(rest)
        key = rest.partition("=")[0].strip()
        given[stage][key] = (origins or {}).get(f"{stage}.{key}", f"--set {stage}.{key}")

    def load(kind: type[C], stage: str) -> C:
        return load_config(kind, chosen.get(stage), changes[stage], origins=given[stage])

    return Stages(
        scrape=load(ScrapeConfig, "scrape"), detector=load(detector_kind(chosen.get("detector")), "detector"),
        masks=load(MaskConfig, "masks"), crop=load(CropConfig, "crop"), classifier=load(ClassifierConfig, "classifier"),
        gan=load(GanConfig, "gan"),
        gan_given=None if "gan" in chosen else tuple(changes["gan"]),
    )  # fmt: skip
