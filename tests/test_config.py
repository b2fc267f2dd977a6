"""Presets, files and --set become one frozen object, or a clear refusal."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from deepstyle import config as configs
from deepstyle.config import (
    ClassifierConfig,
    Config,
    CropConfig,
    DetectorConfig,
    GanConfig,
    ScrapeConfig,
    TaggerConfig,
    load_config,
    load_stages,
    presets,
    to_yaml,
)
from deepstyle.errors import ConfigError

KINDS: dict[str, type[Config]] = {
    "scrape": ScrapeConfig, "detector": DetectorConfig, "masks": configs.MaskConfig, "crop": CropConfig,
    "classifier": ClassifierConfig, "tagger": TaggerConfig, "gan": GanConfig,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(presets()))
def test_every_preset_is_valid(name: str) -> None:
    """Each shipped preset loads, and reads back equal from its own YAML."""
    kind = KINDS[yaml.safe_load(presets()[name].read_text())["kind"]]
    kind = configs.detector_kind(name) if kind is DetectorConfig else kind
    built = load_config(kind, name)

    assert kind.model_validate(yaml.safe_load(to_yaml(built))) == built


@pytest.mark.parametrize("kind", KINDS.values())
def test_every_default_preset_exists(kind: type[Config]) -> None:
    """A command without --config finds its default preset."""
    assert kind.default_preset in presets()


@pytest.mark.parametrize("name", sorted(presets()))
def test_a_preset_says_only_what_differs_from_the_defaults(name: str) -> None:
    """No line of a preset repeats its kind's default value, so that a reader sees what the preset is about."""
    said = yaml.safe_load(presets()[name].read_text())
    kind = configs.detector_kind(name) if said["kind"] == "detector" else KINDS[said["kind"]]
    built = load_config(kind, name)
    repeated = [
        key
        for key in said.keys() - {"kind", "backend"}
        if kind.model_fields[key].get_default(call_default_factory=True) == getattr(built, key)
    ]

    assert repeated == []


def test_train_gan_without_a_config_trains_the_better_game() -> None:
    """The default of the GAN is dcgan-plus-64, for `train-gan` and `run` alike."""
    assert load_config(GanConfig) == load_stages().gan == load_config(GanConfig, "dcgan-plus-64")


def test_the_paper_s_preset_stays_as_it_is() -> None:
    """dcgan-64 plays the game that it always played: none of its settings comes from the default preset."""
    paper = load_config(GanConfig, "dcgan-64")

    assert (paper.network, paper.size, paper.latent, paper.width, paper.norm) == ("dcgan", 64, 100, 64, "batch")
    assert (paper.loss, paper.r1, paper.r2, paper.penalty_every, paper.condition) == ("bce", 0, 0, 1, "none")
    assert (paper.batch_size, paper.lr, paper.beta1, paper.beta2) == (16, 2e-4, 0.5, 0.999)
    assert (paper.ema_images, paper.ema_ramp, paper.augment, paper.seed) == (5_000, 0, "auto", 0)


def test_set_wins_over_file_wins_over_default(tmp_path: Path) -> None:
    """The road is default -> file -> --set, later ones winning."""
    (tmp_path / "mine.yaml").write_text("kind: gan\nlr: 0.001\nbatch_size: 16\n")
    built = load_config(GanConfig, tmp_path / "mine.yaml", ["batch_size=8"])

    assert (built.lr, built.batch_size, built.beta1) == (0.001, 8, 0.5)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("batch_size=0", "batch_size: input should be greater than or equal to 2"),
        ("size=48", "size: input should be 32, 64, 128 or 256"),
        ("lr=fast", "lr: input should be a valid number"),
        ("wat=1", "wat: unknown key; known are kind, network, size"),
        ("nonsense", "write it as key=value"),
        ("lr=[1", "not valid YAML"),
        ("labels=[a, a]", "labels must not repeat"),
        ("network=residual", "set norm=none"),
        ("r1=1", "set norm=none"),
        ("minibatch_stddev=true", "needs network=residual"),
    ],
)
def test_a_bad_value_is_refused_by_name(override: str, words: str) -> None:
    """A wrong --set raises ConfigError that names the key and what would be right."""
    with pytest.raises(ConfigError) as caught:
        load_config(GanConfig, "dcgan-64", [override])

    assert words in str(caught.value)


def test_words_become_lists() -> None:
    """--set augment=color,translation gives both policies."""
    assert load_config(GanConfig, None, ["augment=color,translation"]).augment == ("color", "translation")


def test_precision_may_be_written_as_a_number() -> None:
    """--set precision=32 is the text '32'."""
    assert load_config(GanConfig, None, ["precision=32"]).precision == "32"


def test_another_stages_preset_is_refused() -> None:
    """A detector preset given to train-gan is named as such."""
    with pytest.raises(ConfigError, match="this is a detector config"):
        load_config(GanConfig, "small-256")


@pytest.mark.parametrize("text", ["- a\n- b\n", "1: 2\n", "a: [\n"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    """A list, numeric keys or broken YAML raise ConfigError naming the file."""
    (tmp_path / "bad.yaml").write_text(text)

    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        load_config(GanConfig, tmp_path / "bad.yaml")


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        (GanConfig, "dcgan-46", r"did you mean dcgan-64\?"),
        (GanConfig, "dcgan-pluss-64", r"did you mean dcgan-plus-64\?"),
        (DetectorConfig, "smal-256", r"did you mean small-256\?"),
        (ClassifierConfig, "zzz", "presets: classifier-128, classifier-64, classifier-96\\."),
        (CropConfig, "scrap", r"did you mean crop\?"),
    ],
)
def test_a_misspelt_preset_is_told_the_nearest_of_its_kind(kind: type[Config], name: str, words: str) -> None:
    """A mistyped preset name gets the nearest one that the command could take, or all of those; no other kind's."""
    with pytest.raises(ConfigError, match=words):
        load_config(kind, name)


def test_a_misspelt_key_is_told_the_nearest() -> None:
    """A mistyped key gets the nearest one."""
    with pytest.raises(ConfigError, match=r"batchsize: unknown key; did you mean batch_size\?"):
        load_config(GanConfig, None, ["batchsize=8"])


def test_configs_are_frozen() -> None:
    """A config cannot be changed once built."""
    built = load_config(GanConfig)

    with pytest.raises(ValidationError):
        built.lr = 1.0  # type: ignore[misc]


def test_stages_take_presets_and_dotted_overrides() -> None:
    """`run` gives each preset to the stage it is for, and each override to the stage it names."""
    stages = load_stages(["dcgan-32", "small-256"], ["gan.batch_size=8", "crop.margin=0.1"])

    assert (stages.gan.size, stages.gan.batch_size) == (32, 8)
    assert isinstance(stages.detector, DetectorConfig)
    assert stages.detector.backbone == "small"
    assert stages.crop.margin == 0.1


@pytest.mark.parametrize("override", ["batch_size=8", "gna.batch_size=8"])
def test_stages_refuse_an_override_without_a_stage(override: str) -> None:
    """An override of `run` must name its stage."""
    with pytest.raises(ConfigError, match=r"STAGE\.KEY=VALUE"):
        load_stages([], [override])


def test_every_number_has_a_bound() -> None:
    """No int or float field of any config is without a bound below and a bound above."""
    loose = []
    kinds: list[type[Config]] = [*KINDS.values(), configs.Detectron2Config]
    for kind in kinds:
        schema = kind.model_json_schema()["properties"]
        for key, field in schema.items():
            for form in [field, *field.get("anyOf", [])]:
                number = form.get("type") in {"number", "integer"} and "enum" not in form
                below, above = {"minimum", "exclusiveMinimum"} & set(form), {"maximum", "exclusiveMaximum"} & set(form)
                if number and not (below and above):
                    loose.append(f"{kind.__name__}.{key}")

    assert loose == []
    assert configs.Config.model_config["extra"] == "forbid"


STRANGE = [
    "2020-99-99", "!!timestamp x", "!!bool x", "!!int ''", "!!float x", "!!int [1]", "!!python/name:os.system", "&a [*a]",
    "[" * 3000, "{" * 3000, "? [1]\n: 2", "9" * 5000, "1" + ":59" * 2000, "\x00", "\ud800", "=", "!!binary é", "<<: 3", "'",
    "0b", "0x", "!!omap [[1]]", "- " * 3000,
]  # fmt: skip


@pytest.mark.parametrize("text", STRANGE, ids=range(len(STRANGE)))
def test_a_value_that_no_yaml_can_be_is_refused_by_name(text: str, tmp_path: Path) -> None:
    """Whatever PyYAML makes of it, ``--set`` and a file end as ConfigErrors that name them."""
    path = tmp_path / "odd.yaml"
    path.write_bytes(f"lr: {text}\n".encode("utf-8", "backslashreplace"))
    with pytest.raises(ConfigError, match=r"^--set lr[=:]"):
        load_config(GanConfig, None, [f"lr={text}"])
    with pytest.raises(ConfigError, match=r"--config .*odd\.yaml"):
        load_config(GanConfig, path)


def test_a_few_lines_that_stand_for_a_billion_values_are_refused(tmp_path: Path) -> None:
    """Aliases of aliases are not followed: the ConfigError comes at once, and is short."""
    path = tmp_path / "bomb.yaml"
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 10)]
    path.write_text("\n".join(lines))
    with pytest.raises(ConfigError, match="an alias") as caught:
        load_config(GanConfig, path)

    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("kind", ["pipe", "folder", "large", "device", "long name", "no text"])
def test_a_config_that_is_no_small_text_file_is_refused(kind: str, tmp_path: Path) -> None:
    """A pipe, a folder, a device, 50 MB, a name of 300 letters or bytes that are no text end at once, as ConfigErrors."""
    path = tmp_path / "odd.yaml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "large":
        path.write_bytes(b"# " + b"x" * 50_000_000)
    elif kind == "no text":
        path.write_bytes(b"\xff\xfe\x00")
    elif kind == "long name":
        path = tmp_path / ("x" * 300)
    else:
        path = Path("/dev/zero")
    with pytest.raises(ConfigError, match="--config"):
        load_config(GanConfig, path)


def test_settings_can_be_copied_from_a_message() -> None:
    """What a message tells to type comes through the shell as it was meant, whatever stands in the labels."""
    labels = ("Not sure", "tops, knit", "a'b", "[x]", "-")
    words = shlex.split(configs.as_flags({"exclude": list(labels)}))

    assert words[0] == "--set"
    assert load_config(ClassifierConfig, None, words[1:]).exclude == labels
