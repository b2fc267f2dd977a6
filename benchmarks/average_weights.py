"""The mean of two detectors' weights, one fine-tuned from the other: better on photos of neither (docs/log.md).

    python benchmarks/average_weights.py FIRST SECOND --out MODEL

Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", arXiv 2109.01903. Everything but the weights is SECOND's; the
figures in ``model.json`` are, too, so evaluate MODEL before you quote any.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file


def main() -> None:
    """Average, and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path, help="model folder")
    parser.add_argument("second", type=Path, help="model folder of the same network")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    first, second = (load_file(folder / "weights.safetensors") for folder in (args.first, args.second))
    if {name: value.shape for name, value in first.items()} != {name: value.shape for name, value in second.items()}:
        parser.error(f"{args.first} and {args.second} are not of one network")
    mean = {
        name: ((value.float() + second[name].float()) / 2).to(value.dtype) if value.is_floating_point() else value
        for name, value in first.items()
    }
    shutil.copytree(args.second, args.out)
    save_file(mean, args.out / "weights.safetensors")


if __name__ == "__main__":
    main()
