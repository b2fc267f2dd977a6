"""A trained generator and the words it knows: opened from a run or a model folder, written as a model folder.

A model folder holds weights.safetensors, config.yaml and model.json; it opens on any machine, without the run. With
discriminator.safetensors beside them others can train it on (``train-gan --from``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from deepstyle import weights
from deepstyle.about import config_file, label_numbers, read_about
from deepstyle.config import GanConfig, load_config, to_yaml
from deepstyle.dcgan.build import AnyGenerator
from deepstyle.dcgan.sample import BEST, LAST, labels_of, load_generator, read_generator
from deepstyle.errors import ConfigError, InputError, ModelError, UsageError
from deepstyle.files import read_json
from deepstyle.images import sha256
from deepstyle.made import Made
from deepstyle.source import RIVAL, newest_snapshot
from deepstyle.status import read_model

KIND = "gan"  # of a model folder
CARDS = {"DATA_CARD.md", "croissant.json", "garments.csv"}  # what a run learned from
FILES = {"weights.safetensors", RIVAL, "config.yaml", "model.json", "MODEL_CARD.md", *CARDS}  # all that may be in one


@dataclass(frozen=True, kw_only=True)
class TrainedGenerator:
    """A generator in eval mode. ``name``: of its run or model; ``labels``: what it can be told, none if it is told nothing.

    ``figures``: what is known of it, as far as it is: ``frechet``, and the ``images`` it saw. ``digest``: SHA-256 of its
    file of weights; ``licence``: of what it makes, "" if nobody said.
    """

    name: str
    generator: AnyGenerator
    config: GanConfig
    labels: tuple[str, ...]
    figures: Mapping[str, float]
    digest: str = ""
    licence: str = ""

    def mark(self, seeds: str = "", *, note: str = "", composite: bool = False) -> Made:
        """The mark of a picture that it made."""
        return Made(
            model=self.name, digest=self.digest, seeds=seeds, licence=self.licence, note=note, composite=composite
        )

    def numbers(self, names: Sequence[str]) -> list[int]:
        """The numbers of these labels. Raises UsageError for one that it does not know, or if it is told none."""
        return label_numbers(names, self.labels, self.name)

    def told(self, names: Sequence[str], z: Tensor) -> Tensor | None:
        """What it is told of N untruncated latents, N int64: the one label of ``names``, else each latent's own.

        None for a generator without labels.
        """
        if number := self.numbers(names):
            return torch.tensor(number).repeat(len(z))
        return labels_of(z, self.generator.told.shares) if self.labels else None


def open_run(folder: Path, figures: Mapping[str, float], *, best: bool = False) -> TrainedGenerator:
    """The generator of a run folder, the last or the ``best``, with the ledger's ``figures`` of it.

    Raises ModelError when there is none.
    """
    generator, config = load_generator(folder, best=best)
    labels: object = []
    if generator.told.vectors is not None:
        try:
            labels = read_json(folder / "labels.json")
        except InputError as error:
            raise ModelError(
                f"{folder / 'labels.json'}: unreadable ({error}); `deepstyle train-gan` writes it"
            ) from error
    digest = sha256((folder / (BEST if best else LAST)).read_bytes())
    return _checked(folder, generator, config, labels, figures, digest)


def rival_of(folder: Path) -> Mapping[str, Tensor] | None:
    """The discriminator's state: of a model folder's file, or a run's last snapshot; None without one.

    Raises ModelError for a damaged one.
    """
    if (folder / RIVAL).is_file():
        return weights.read_weights(folder / RIVAL)
    newest = newest_snapshot(folder)
    return None if newest is None else weights.load_checkpoint(newest).get("discriminator")


def open_model(folder: Path) -> TrainedGenerator:
    """The generator of a model folder. Raises ModelError when the folder is incomplete or of another kind."""
    about = read_about(folder)
    if about.get("kind") != KIND:
        raise ModelError(
            f"{folder}: no generator but a {about.get('kind')}; `deepstyle models` lists those of kind {KIND}"
        )
    try:
        config = load_config(GanConfig, config_file(folder))
    except ConfigError as error:
        raise ModelError(f"{folder} is no complete generator ({error}); export it again") from error
    generator = read_generator(folder / "weights.safetensors", config)
    given = about.get("figures")
    figures = (
        {key: value for key, value in given.items() if isinstance(value, int | float)}
        if isinstance(given, dict)
        else {}
    )
    digest = sha256((folder / "weights.safetensors").read_bytes())
    return _checked(folder, generator, config, about["labels"], figures, digest, str(about.get("licence", "")))


def _checked(
    folder: Path, generator: AnyGenerator, config: GanConfig, labels: object, figures: Mapping[str, float], digest: str,
    licence: str = "",
) -> TrainedGenerator:  # fmt: skip
    vectors = generator.told.vectors
    told = vectors.num_embeddings if vectors is not None else 0
    if not isinstance(labels, list) or len(labels) != told:
        raise ModelError(f"{folder}: the generator is told {told} labels, the folder names {labels}; export it again")
    return TrainedGenerator(
        name=folder.resolve().name, generator=generator, config=config, labels=tuple(map(str, labels)), figures=figures,
        digest=digest, licence=licence,
    )  # fmt: skip


def save_model(
    folder: Path, trained: TrainedGenerator, *, half: bool = False, extra: Mapping[str, str] | None = None,
    rival: Mapping[str, Tensor] | None = None,
) -> None:  # fmt: skip
    """Write a model folder whole, in place of an older one. ``half``: matrices in float16, half the bytes.

    ``extra``: texts that stand beside the weights, by file name; ``rival``: the discriminator's state.

    Raises UsageError when something else than a model is there.
    """
    if folder.exists() and not _replaceable(folder):
        raise UsageError(f"--out {folder}: holds something else than a generator's model; name a new folder")
    config = trained.config
    about: dict[str, object] = {
        "kind": KIND, "backend": config.network, "size": config.size, "latent": config.latent
    }  # fmt: skip
    about |= {"licence": trained.licence} if trained.licence else {}
    weights.save_model(
        folder, trained.generator, config_yaml=to_yaml(config), labels=trained.labels,
        about=about | {"figures": dict(trained.figures)}, half=half,
        extra=extra, beside={} if rival is None else {RIVAL: rival},
    )  # fmt: skip


def _replaceable(folder: Path) -> bool:
    """The folder is empty, or holds nothing but what ``save_model`` writes of a generator."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {""}
    return not names or (names <= FILES and read_model(folder).kind == KIND)
