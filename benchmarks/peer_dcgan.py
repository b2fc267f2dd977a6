"""The DCGAN of PyTorch's examples as it is: run in a process of its own, watched by what it prints, its generator loaded.

Used by dcgan_speed.py and gan_quality.py. ``main.py`` trains as soon as it is imported, so its generator's checkpoints are
loaded into deepstyle's, whose 64 px network is the same but for the bias of the last layer, which the peer has not.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import torch

from deepstyle.dcgan.networks import Generator

LATENT, WIDTH = 100, 64  # its defaults
STEP = re.compile(r"\[(\d+)/\d+\]\[(\d+)/(\d+)\] Loss_D")


@dataclass
class Peer:
    """A training of the peer under way. ``times``: when each step was done, processor seconds used, images seen."""

    process: subprocess.Popen[str]
    batch: int
    total: int
    times: list[tuple[float, float, int]] = field(default_factory=list)

    def listen(self) -> None:
        """Read its lines until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if (found := STEP.search(line)) is not None:
                seen = int(found[1]) * self.total + min((int(found[2]) + 1) * self.batch, self.total)
                self.times.append((time.time(), self.processor(), seen))

    def processor(self) -> float:
        """Processor seconds of its process so far, without those that load images (Linux tells; elsewhere NaN)."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return math.nan
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # user and system time


@contextmanager
def training(main: Path, images: Path, out: Path, *, size: int, batch: int, threads: int, seed: int) -> Iterator[Peer]:
    """Train the peer on an ImageFolder while the block runs; its pictures and checkpoints go to ``out``."""
    command = [
        sys.executable, "-u", str(main.resolve()), "--dataset", "folder", "--dataroot", str(images.resolve()),
        "--imageSize", str(size), "--batchSize", str(batch), "--niter", "1000000", "--outf", str(out.resolve()),
        "--manualSeed", str(seed),
    ]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    peer = Peer(process, batch, sum(1 for _ in images.glob("*/*.png")))
    listener = Thread(target=peer.listen)
    listener.start()
    try:
        yield peer
    finally:
        process.terminate()
        listener.join()
        process.wait()


def load(checkpoint: Path) -> Generator:
    """The peer's 64 px generator from its ``netG_epoch_<n>.pth``, in evaluation mode; every key and shape must fit."""
    state = torch.load(checkpoint, weights_only=True)
    fitting = {key.replace("main.", "layers."): value for key, value in state.items()}
    generator = Generator(64, LATENT, WIDTH)
    generator.load_state_dict(fitting | {"layers.12.bias": torch.zeros(3)})
    return generator.eval()
