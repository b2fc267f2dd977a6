"""The networks of a training that starts from another's weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from deepstyle import weights
from deepstyle.dcgan import grow
from deepstyle.dcgan.networks import Generator
from deepstyle.dcgan.players import Players
from deepstyle.engine import Stream, seeded
from deepstyle.errors import ModelError, UsageError
from deepstyle.source import Source, grows

SETTLING = 256  # images whose statistics the new norm of a generator that grows is set to
LABELLED = ("told.", "projection.")  # what both networks know of labels: a row for each


def start_from(players: Players, source: Source, names: Sequence[str]) -> str:
    """Fill the players from a run (both networks) or a model (those that it holds), and say in words what was taken.

    Labels that the source knows by name keep their vectors, others get the fresh ones that are there. A source of half the
    size grows (see ``grow``). Raises UsageError when the source has gone, ModelError when its weights do not fit.
    """
    if source.weights is None:
        raise UsageError(
            f"--from {source.name}: it has gone, and no run that started from it has a snapshot; bring it back"
        )
    if source.whole and source.rival is None:
        state = weights.load_checkpoint(source.weights)
        parts = {part: state.get(part) for part in ("generator", "discriminator", "average")}
    else:
        parts = dict.fromkeys(("generator", "average"), weights.read_weights(source.weights))
        parts |= {} if source.rival is None else {"discriminator": weights.read_weights(source.rival)}
    larger = grows(source, players.config)
    for part, given in parts.items():
        if not isinstance(given, Mapping):
            raise ModelError(f"{source.weights}: holds no {part}; name another with --from")
        _fill(getattr(players, part), _grown(players, part, given, source) if larger else given, source, names)
        if larger and part != "discriminator":
            _settle(players, getattr(players, part), given, source)
    taken = (
        "both networks" if source.whole else "the generator (this model holds no discriminator: that one starts anew)"
    )
    new = [name for name in names if name not in source.labels]
    if larger:
        taken += f", grown from {source.config.size} to {players.config.size} px"
    return f"starts from {source.name}: {taken}" + (f"; fresh label vectors: {', '.join(new)}" if new else "")


def _grown(players: Players, part: str, given: Mapping[str, Tensor], source: Source) -> dict[str, Tensor]:
    """The state of a network of twice the side. Raises ModelError where the source's outermost layer is not as it should be."""
    own, size, width = getattr(players, part).state_dict(), source.config.size, source.config.width
    if part == "discriminator":
        wanted: dict[str, tuple[int, ...]] = {"layers.0.weight": (width, 3, 4, 4), "layers.0.bias": (width,)}
    else:
        outer = f"layers.{grow.outermost(size)}"
        wanted = {f"{outer}.weight": (3, width, 3, 3), f"{outer}.bias": (3,)}
    for key, shape in wanted.items():
        if key not in given or tuple(given[key].shape) != shape or not given[key].isfinite().all():
            raise ModelError(
                f"{source.weights}: its {key} is not of {' x '.join(map(str, shape))} finite numbers; name another with --from"
            )
    return grow.larger_discriminator(own, given) if part == "discriminator" else grow.larger_generator(own, given, size)


def _settle(players: Players, generator: Generator, given: Mapping[str, Tensor], source: Source) -> None:
    """Set the norm that a generator has more than its source; the same in every process."""
    config, device = players.config, players.fabric.device
    random = seeded(config.seed, Stream.SETTLE, device=device)
    z = torch.randn(SETTLING, config.latent, generator=random, device=device)
    labels = None
    if generator.told.vectors is not None:
        labels = torch.multinomial(generator.told.shares, SETTLING, replacement=True, generator=random)
    shift = given[f"layers.{grow.outermost(source.config.size)}.bias"].float().to(device)
    grow.settle(generator, shift, z, labels)


@torch.no_grad()
def _fill(network: nn.Module, given: Mapping[str, Tensor], source: Source, names: Sequence[str]) -> None:
    own = network.state_dict()
    merged = {key: value for key, value in given.items() if not key.startswith(LABELLED)}
    for key, mine in own.items():
        if not key.startswith(LABELLED):
            continue
        merged[key] = mine.clone()
        if key == "told.shares" or key not in given or mine.dim() != 2:  # shares are those of the garments at hand
            continue
        if given[key].shape != (len(source.labels), mine.shape[1]):
            raise ModelError(
                f"{source.weights}: its {key} is not of {len(source.labels)} labels; name another with --from"
            )
        for number, name in enumerate(names):
            if name in source.labels:
                merged[key][number] = given[key][source.labels.index(name)]
    weights.fill(network, merged, origin=f"--from {source.name}: {source.weights}")
