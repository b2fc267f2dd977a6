"""Which copies of garments are found, and how many garments pass for copies.

    python benchmarks/judge_copies.py data/train --fresh data/heldout --out copies

``data`` is what ``benchmarks/gan_data.py`` leaves. The real garments are those of ``data/train``. Fresh ones, of other
photos and senders, are no copies: half of them give the threshold at which 1 % pass for one, the other half, which chose
nothing, the share that passes at it and at the threshold in use. Of each kind of copy: the share whose source is found
and whose likeness reaches each of the two, as `sample --novelty` does it. Leaves OUT/copies.json, and a sheet of the
fresh garments that look most like a real one, to see whether they are copies indeed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from deepstyle import images
from deepstyle.catalog import Catalog
from deepstyle.classifier.find import find_classifier
from deepstyle.dataset import PackedDataset
from deepstyle.files import put_file
from deepstyle.images import Pixels
from deepstyle.metrics.copies import COPY, find_copies
from deepstyle.metrics.sheet import neighbour_sheet


def shifted(right: int, down: int) -> Callable[[Pixels], Pixels]:
    """The image moved, in 64ths of its side; its edges are repeated."""

    def move(image: Pixels) -> Pixels:
        unit, room = image.shape[0] / 64, image.shape[0] // 4
        wide = np.pad(image, ((room, room), (room, room), (0, 0)), mode="edge")
        y, x = room - round(down * unit), room - round(right * unit)
        return wide[y : y + image.shape[0], x : x + image.shape[1]]

    return move


def zoomed_in(image: Pixels) -> Pixels:
    """The middle 80 %, enlarged."""
    side = image.shape[0]
    edge = round(side / 10)
    inner = Image.fromarray(image[edge : side - edge, edge : side - edge])
    return np.asarray(inner.resize((side, side), Image.Resampling.BICUBIC))


def zoomed_out(image: Pixels) -> Pixels:
    """All of it at 80 %, the edges repeated around."""
    side = image.shape[0]
    inner = np.asarray(Image.fromarray(image).resize((round(0.8 * side),) * 2, Image.Resampling.LANCZOS))
    first = (side - len(inner)) // 2
    last = side - len(inner) - first
    return np.pad(inner, ((first, last), (first, last), (0, 0)), mode="edge")


def noisy(image: Pixels) -> Pixels:
    """Gaussian noise of 12 levels."""
    drawn = np.random.default_rng(int(image[:2].sum())).normal(0, 12, image.shape)
    return np.asarray((image + drawn).clip(0, 255).astype(np.uint8))


KINDS: dict[str, Callable[[Pixels], Pixels]] = {
    "exact": lambda image: image,
    "JPEG 40": lambda image: images.decode(images.encode(image, "JPEG", quality=40)),
    "noise": noisy,
    "brighter": lambda image: np.asarray((image * 1.25 + 8).clip(0, 255).astype(np.uint8)),
    "mirrored": lambda image: image[:, ::-1],
    "channels swapped": lambda image: image[..., [2, 0, 1]],
    "shifted by 2": shifted(-2, 0), "shifted by 4": shifted(0, 4), "shifted by 6": shifted(6, 0),
    "shifted by 8": shifted(0, -8), "shifted by 10": shifted(10, 0), "shifted by 5 and 7": shifted(-5, 7),
    "zoomed in to 80 %": zoomed_in, "zoomed out to 80 %": zoomed_out,
}  # fmt: skip


def main() -> None:
    """Copy, look, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--fresh", type=Path, required=True)
    parser.add_argument("--judge", help="a classifier's name or folder; the one that ships otherwise")
    parser.add_argument("--count", type=int, default=60, help="copies of each kind")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    begun = time.process_time()
    options.out.mkdir(parents=True, exist_ok=True)
    with Catalog(options.out / "workspace") as catalog:
        judge = find_classifier(catalog, options.judge).quick()
    real, fresh = (np.asarray(PackedDataset(folder).images) for folder in (options.data, options.fresh))
    vectors, fresh_vectors = judge.embed(real)[0], judge.embed(fresh)[0]
    matches = find_copies(fresh, real, fresh_vectors, vectors)
    likeness = np.array([one.likeness for one in matches])
    order = np.random.default_rng(0).permutation(len(fresh))
    choosing, telling = likeness[order[::2]], likeness[order[1::2]]
    chosen = float(np.quantile(choosing, 0.99))
    told: dict[str, object] = {
        "judge": judge.identity, "real": len(real), "fresh": len(fresh), "in use": COPY, "chosen": chosen,
        "false alarms at chosen": float((telling >= chosen).mean()),
        "false alarms in use": float(np.mean([one.copied for one in matches])),
        "fresh quantiles": {str(q): float(np.quantile(likeness, q)) for q in (0.5, 0.9, 0.95, 0.98, 0.99, 1)},
    }  # fmt: skip
    print(json.dumps(told, indent=1), flush=True)
    top = np.argsort(-likeness)[:24]
    near, far = np.array([[matches[k].index] for k in top]), 1 - likeness[top][:, None]
    put_file(options.out / "alike.png", images.encode(neighbour_sheet(fresh[top], real, near, far)))
    sources = np.random.default_rng(1).permutation(len(real))[: options.count]
    kinds = {}
    for kind, change in KINDS.items():
        copied = np.stack([change(real[k]) for k in sources])
        found = find_copies(copied, real, judge.embed(copied)[0], vectors)
        right = np.array([one.index == k for one, k in zip(found, sources, strict=True)])
        alike = np.array([one.likeness for one in found])
        kinds[kind] = {
            "source first": float(right.mean()), "flagged at chosen": float((alike >= chosen).mean()),
            "flagged in use": float(np.mean([one.copied for one in found])), "5 % below": float(np.quantile(alike, 0.05)),
        }  # fmt: skip
        print(f"{kind:20}", *(f"{name} {value:.3f}" for name, value in kinds[kind].items()), sep="  ", flush=True)
    told |= {"kinds": kinds, "CPU seconds": round(time.process_time() - begun)}
    (options.out / "copies.json").write_text(json.dumps(told, indent=1))
    print(told["CPU seconds"], "CPU seconds")


if __name__ == "__main__":
    main()
