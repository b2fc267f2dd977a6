"""The mean of detectors' weights, each fine-tuned from one before it: better on photos of neither (docs/log.md).

    python benchmarks/average_weights.py FIRST SECOND --out MODEL
    python benchmarks/average_weights.py MEAN MEAN THIRD --out MODEL     # MEAN, of two, counts twice

Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", arXiv 2109.01903. Everything but the weights is the last one's;
the figures in ``model.json`` are, too, so evaluate MODEL before you quote any.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def main() -> None:
    """Average, and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+", help="model folders of one network")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    states = [load_file(folder / "weights.safetensors") for folder in args.models]
    last = states[-1]
    for folder, state in zip(args.models, states, strict=True):
        if {name: value.shape for name, value in state.items()} != {name: value.shape for name, value in last.items()}:
            parser.error(f"{folder} and {args.models[-1]} are not of one network")
    mean = {
        name: torch.stack([state[name].float() for state in states]).mean(0).to(value.dtype)
        if value.is_floating_point() else value
        for name, value in last.items()
    }  # fmt: skip
    shutil.copytree(args.models[-1], args.out)
    save_file(mean, args.out / "weights.safetensors")


if __name__ == "__main__":
    main()
