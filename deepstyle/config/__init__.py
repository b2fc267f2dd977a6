"""One road for configuration: preset -> file -> ``--set`` -> one frozen object, printed, saved with the run, passed down.

Every setting has a description, which `deepstyle settings` shows; a number's opens with its unit ("pixels: ..."). Every
number has a bound; a bad one is refused by name before slow work starts.
"""

from deepstyle.config.base import MANY, Config, Minutes, Precision, Seed
from deepstyle.config.classifier import ClassifierConfig, NetworkConfig, TaggerConfig
from deepstyle.config.crop import CropConfig
from deepstyle.config.detector import DetectorConfig, Detectron2Config, MaskConfig
from deepstyle.config.gan import CIRCUMSTANCES, GanConfig
from deepstyle.config.load import (
    KINDS,
    Stages,
    as_flags,
    as_overrides,
    build,
    config_of,
    detector_kind,
    keys_of,
    load_config,
    load_stages,
    to_yaml,
)
from deepstyle.config.scrape import ScrapeConfig
from deepstyle.config.texts import load_values, presets

__all__ = [
    "CIRCUMSTANCES",
    "KINDS",
    "MANY",
    "ClassifierConfig",
    "Config",
    "CropConfig",
    "DetectorConfig",
    "Detectron2Config",
    "GanConfig",
    "MaskConfig",
    "Minutes",
    "NetworkConfig",
    "Precision",
    "ScrapeConfig",
    "Seed",
    "Stages",
    "TaggerConfig",
    "as_flags",
    "as_overrides",
    "build",
    "config_of",
    "detector_kind",
    "keys_of",
    "load_config",
    "load_stages",
    "load_values",
    "presets",
    "to_yaml",
]
