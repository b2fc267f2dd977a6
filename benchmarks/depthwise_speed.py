"""CPU milliseconds of a training step of EfficientNet-Lite0: our depthwise gradients against PyTorch's own, in turn.

    python benchmarks/depthwise_speed.py --threads 1

A step is forward and backward in bfloat16 of the classifier on random images, without the optimizer. Medians of alternating
rounds.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import Tensor

from deepstyle import lite
from deepstyle.depthwise import depthwise, plain


def milliseconds(network: lite.LiteClassifier, images: Tensor, steps: int) -> float:
    """CPU time of a step, the first one left out."""
    for step in range(steps + 1):
        if step == 1:
            began = time.process_time()
        with torch.autocast("cpu", torch.bfloat16):
            loss = network(images).float().square().mean()
        loss.backward()
    return (time.process_time() - began) / steps * 1000


def main() -> None:
    """Let both run in turn, tell the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="side of the images in pixels")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    network = lite.LiteClassifier(10).to(memory_format=torch.channels_last)
    images = torch.randn(args.batch, 3, args.size, args.size).contiguous(memory_format=torch.channels_last)
    times: dict[str, list[float]] = {"ours": [], "PyTorch's": []}
    for _ in range(args.rounds):
        for name, convolution in (("ours", depthwise), ("PyTorch's", plain)):
            vars(lite)["depthwise"] = convolution
            times[name].append(milliseconds(network, images, args.steps))
    ours, theirs = (statistics.median(found) for found in times.values())
    print(
        f"ours {ours:.0f} ms a step, PyTorch's {theirs:.0f}; {theirs / ours:.2f}x "
        f"(size {args.size}, batch {args.batch}, {args.threads} threads, CPU {torch.backends.cpu.get_cpu_capability()})"
    )


if __name__ == "__main__":
    main()
