"""What `deepstyle sample` does beside sampling: two seeds in one garment, the seed nearest to a photo (loop)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from deepstyle import cells, images
from deepstyle.dcgan.sample import generate, latents, put_samples, to_uint8, truncated
from deepstyle.dcgan.variations import mixed, nearest_latent
from deepstyle.errors import InputError, UsageError
from deepstyle.files import put_file, read_regular, reason, shown
from deepstyle.made import marked
from deepstyle.sampling import Source, Wish, ending, suffix

MOST = 8  # seeds of a mixture: each is mixed with each


def mix(source: Source, wish: Wish) -> Path:
    """Mix each of the seeds with each: a row has the shapes of one, a column the cloth of one; the sheet's file.

    Raises UsageError for fewer than two seeds, more than MOST, or more than one label.
    """
    trained, seeds = source.trained, list(dict.fromkeys(wish.seeds))
    if not 2 <= len(seeds) <= MOST or len(wish.labels) > 1:
        raise UsageError(f"--mix: takes two to {MOST} seeds, e.g. 3,17, and one --label at most")
    drawn = latents(seeds, trained.config.latent)
    own, z = trained.told(wish.labels, drawn), truncated(drawn, wish.truncation)
    coarse, fine = z.repeat_interleave(len(seeds), 0), z.repeat(len(seeds), 1)
    labels = None if own is None else own.repeat_interleave(len(seeds))
    made = to_uint8(mixed(trained.generator, coarse, fine, labels))
    files = cells.enlarge(made, wish.upscale)
    pairs = [f"{one} x {other}" for one in seeds for other in seeds]
    tail = suffix("".join(wish.labels)) + ending(source, wish)
    names = [f"mix-{one:06d}-{other:06d}{tail}" for one in seeds for other in seeds]
    sheet = images.tile(cells.caption(files, pairs), columns=len(seeds))
    note = "; ".join(word for word in ("shapes of the first seed, cloth of the second", wish.note) if word)
    grid = "mix-" + "-".join(map(str, seeds)) + tail
    return put_samples(source.place, files, names, pairs, trained.mark(note=note), sheet, grid=grid)


def like(source: Source, wish: Wish, photo: Path) -> tuple[Path, Path, float]:
    """Find the generator's image nearest to a photo: its file, a sheet with the photo beside it, and the distance.

    The distance is the mean absolute difference of grey levels, over four sizes. Beside the image stands its latent, as
    JSON. Raises InputError for a photo that cannot be read, UsageError for more than one label.
    """
    trained, size = source.trained, source.trained.config.size
    if len(wish.labels) > 1:
        raise UsageError("--like: takes one --label at most")
    try:
        data = read_regular(photo, images.MAX_BYTES)
    except OSError as error:
        raise InputError(f"--like {shown(photo)}: cannot be read ({reason(error)})") from error
    try:
        square = images.resize(images.decode(data), size, trained.config.fit)
    except InputError as error:
        raise InputError(f"--like {shown(photo)}: {error}; give a photo, a .jpg or .png say") from error
    wanted = torch.from_numpy(square.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    labels = trained.numbers(wish.labels)
    found = nearest_latent(trained.generator, wanted, label=labels[0] if labels else None)
    made = cells.enlarge(generate(trained.generator, found.z, found.label), wish.upscale)
    which = images.sha256(data)[:8]  # photos of one name are told apart
    name = f"like{suffix(photo.stem)}-{which}{suffix(''.join(wish.labels))}{ending(source, wish)}"
    path, beside = source.place / f"{name}.png", source.place / f"{name}-beside.png"
    note = "; ".join(word for word in ("the nearest image to a photo", wish.note) if word)
    put_file(path, marked(images.encode(made[0]), trained.mark(note=note)))
    both = np.concatenate([cells.enlarge(square[None], wish.upscale), made])
    sheet = images.tile(cells.caption(both, ["photo", "nearest"]), columns=2)
    put_file(beside, marked(images.encode(sheet), trained.mark(note=note, composite=True)))
    label = trained.labels[int(found.label)] if found.label is not None else None
    about = {"photo": str(photo), "label": label, "distance": found.distance * 127.5, "z": found.z[0].tolist()}
    put_file(path.with_name(f"{name}.json"), json.dumps(about).encode())
    return path, beside, found.distance * 127.5
