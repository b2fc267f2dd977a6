"""A run folder: everything one training leaves behind, and how it goes on after an interruption.

    runs/<name>/config.yaml       the whole configuration
    runs/<name>/events.out.*      TensorBoard
    runs/<name>/stats.jsonl       one JSON object per log point, in order of images seen
    runs/<name>/snapshots/        checkpoints, named by the images seen: .pt, and .state, put by between these
    runs/<name>/samples/          pictures

The same command finds the newest run of its kind with the same configuration (budgets aside), data and model name, however
many others were begun since, and continues it from the last checkpoint: later lines of stats.jsonl and later TensorBoard
points are dropped, so nothing stands there twice. A snapshot that cannot be read is told, put aside as
``<name>.pt.damaged``, and the run continues from the one before.

Where several processes train together, the first one leads: it alone locks and writes, the others read along.
"""

from __future__ import annotations

import json
import math
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import numpy as np
from filelock import FileLock, Timeout
from lightning.fabric import Fabric
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter

from deepstyle import weights
from deepstyle.board import tag
from deepstyle.catalog import Catalog
from deepstyle.config import (
    ClassifierConfig,
    Config,
    DetectorConfig,
    Detectron2Config,
    GanConfig,
    MaskConfig,
    TaggerConfig,
    load_config,
    to_yaml,
)
from deepstyle.engine import agreed
from deepstyle.errors import ConfigError, ModelError, StorageError, UsageError
from deepstyle.files import put_file, reason
from deepstyle.images import Pixels, encode
from deepstyle.made import Made, marked

BUDGETS = ("images", "minutes", "keep_snapshots", "pretrained_from")  # may change between a run and its continuation
STATS = "stats.jsonl"
STATE = ".state"  # ending of a checkpoint that is put by between the snapshots
C = TypeVar(  # what trains
    "C", bound=ClassifierConfig | TaggerConfig | DetectorConfig | Detectron2Config | GanConfig | MaskConfig
)


class Run(Generic[C]):
    """One training run. Use as a context manager: it holds the folder's lock and the TensorBoard writer."""

    def __init__(self, catalog: Catalog, kind: str, name: str, config: C, data_key: str, *, leads: bool) -> None:
        self.catalog, self.kind, self.name, self.config, self.leads = catalog, kind, name, config, leads
        self.folder = catalog.root / "runs" / name
        self._writer: SummaryWriter | None = None
        self._lock = FileLock(self.folder / ".lock", timeout=0.5)  # `status` has it for a moment
        if leads:
            self._claim(data_key)

    def _claim(self, data_key: str) -> None:
        """Lock the folder and write down what this run is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise UsageError(
                f"run {self.name} is being trained by another process; wait for it or use --fresh"
            ) from error
        except OSError as error:
            raise StorageError(f"{self.folder}: cannot be written ({reason(error)})") from error
        put_file(self.folder / "config.yaml", to_yaml(self.config).encode())
        put_file(self.folder / "data.key", data_key.encode())

    @classmethod
    def open(
        cls,
        catalog: Catalog,
        kind: str,
        config: C,
        *,
        data_key: str,
        fresh: bool = False,
        fabric: Fabric | None = None,
    ) -> Self:
        """Continue the newest run of this kind, configuration and data, or start the next one (``<kind>-001``, ...).

        ``data_key`` stands for the data, and for the name of the model where there is one. The processes of ``fabric``
        open the same run; without it there is one process.
        """
        name = cls._choose(catalog, kind, config, data_key, fresh=fresh)
        if fabric is None:
            return cls(catalog, kind, name, config, data_key, leads=True)
        run = cls(catalog, kind, agreed(fabric, name), config, data_key, leads=fabric.is_global_zero)
        fabric.barrier()
        return run

    @staticmethod
    def _choose(catalog: Catalog, kind: str, config: C, data_key: str, *, fresh: bool) -> str:
        folder = catalog.root / "runs"
        names = {path.name for path in folder.glob(f"{kind}-*")} | {
            one.name for one in catalog.runs()
        }  # gone ones, too
        found = [match for match in (re.fullmatch(rf"{kind}-(\d+)", name) for name in names) if match]
        runs = sorted(((int(match[1]), match[0]) for match in found), reverse=True)
        same = (name for _, name in runs if not fresh and _same(folder / name, config, data_key))
        return next(same, "") or f"{kind}-{(runs[0][0] if runs else 0) + 1:03d}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        self._lock.release()

    @property
    def writer(self) -> SummaryWriter:
        """The TensorBoard writer, opened on first use; ``start`` opens it so that an interrupted process's points go."""
        if self._writer is None:
            self._writer = SummaryWriter(str(self.folder))
        return self._writer

    def start(self, images: int) -> None:
        """Begin at ``images`` seen: drop whatever an interrupted process logged later, put damaged snapshots aside."""
        if not self.leads:
            return
        for later in self._kept(".pt", STATE):
            if int(later.stem) > images:
                os.replace(later, later.with_name(f"{later.name}.damaged"))
        if (self.folder / STATS).is_file():
            lines = [line for line in self._lines() if _images_of(line) <= images]
            put_file(self.folder / STATS, "".join(line + "\n" for line in lines).encode())
        self._writer = SummaryWriter(str(self.folder), purge_step=images + 1 if images else None)
        if not images:
            self._writer.add_text("config", "    " + to_yaml(self.config).replace("\n", "\n    "), 0)

    def log(self, images: int, values: Mapping[str, float]) -> None:
        """Append one point to stats.jsonl and to TensorBoard; ``images`` is the count of training images seen."""
        if not self.leads:
            return
        with (self.folder / STATS).open("a", encoding="utf-8") as out:
            out.write(json.dumps({"images": images, **{k: float(v) for k, v in values.items()}}) + "\n")
        for name, value in values.items():
            self.writer.add_scalar(tag(self.kind, name), float(value), images)

    def stats(self) -> list[dict[str, float]]:
        """All points logged so far, oldest first."""
        return [json.loads(line) for line in self._lines() if _images_of(line) < math.inf]

    def _lines(self) -> list[str]:
        path = self.folder / STATS
        return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []

    def picture(
        self, name: str, pixels: Pixels, images: int, *, file: str | None = None, part: Pixels | None = None,
        made: Made | None = None,
    ) -> Path | None:  # fmt: skip
        """Show an H x W x 3 uint8 picture, or a ``part`` of it, in TensorBoard; with ``file`` keep it as ``samples/<file>``.

        ``made``: the mark that both carry.
        """
        if not self.leads:
            return None
        shown = np.ascontiguousarray(pixels if part is None else part)
        data = encode(shown) if made is None else marked(encode(shown), made)
        put_picture(self.writer, tag(self.kind, name), shown, data, images)
        if file is None:
            return None
        path = self.folder / "samples" / file
        put_file(path, encode(pixels) if made is None else marked(encode(pixels), made))
        return path

    def snapshots(self) -> list[Path]:
        """Checkpoints on disk, oldest first; what a killed process was writing is none."""
        return self._kept(".pt")

    def has_snapshot(self, images: int) -> bool:
        """Whether there is one at so many images."""
        return any(int(path.stem) == images for path in self.snapshots())

    def _kept(self, *suffixes: str) -> list[Path]:
        found = [path for suffix in suffixes for path in (self.folder / "snapshots").glob(f"*{suffix}")]
        return sorted((path for path in found if path.stem.isdecimal()), key=lambda path: (int(path.stem), path.suffix))

    def save(self, images: int, state: Mapping[str, Any], *, keep: int) -> Path:
        """Write the checkpoint at ``images`` seen, then delete all but the ``keep`` newest, and what was put by."""
        path = self._write(images, state, ".pt")
        if self.leads:
            for old in [*self.snapshots()[:-keep], *self._kept(STATE)]:
                old.unlink()
        return path

    def put_by(self, images: int, state: Mapping[str, Any]) -> None:
        """Write the state at ``images`` seen, from which the run continues, in place of the last one; no snapshot goes."""
        path = self._write(images, state, STATE)
        for old in self._kept(STATE):
            if old != path:
                old.unlink()

    def _write(self, images: int, state: Mapping[str, Any], suffix: str) -> Path:
        path = self.folder / "snapshots" / f"{images:010d}{suffix}"
        if self.leads:
            weights.save_checkpoint(path, {"kind": self.kind, "images": images, **state})
        return path

    def latest(self, say: Callable[[str], None]) -> dict[str, Any] | None:
        """The newest checkpoint of this run that can be read, or None at the very start; ``say`` tells of those that cannot.

        Raises ModelError when there are some and none can be read.
        """
        problems: list[str] = []
        found = next(self._readable(self._kept(".pt", STATE), problems.append), None)
        if found is not None:
            for problem in problems:
                say(f"{problem}; run {self.name} goes back to the snapshot before")
            return found[1]
        if problems:
            raise ModelError(
                f"{'; '.join(problems)}; run {self.name} has no other snapshot: delete {self.folder / 'snapshots'} to "
                "train it from the start, or use --fresh for a new run"
            )
        return None

    def readable(self, complain: Callable[[str], None]) -> Iterator[tuple[Path, dict[str, Any]]]:
        """The snapshots of this run that can be read, newest first; ``complain`` gets what is wrong with the others."""
        return self._readable(self.snapshots(), complain)

    def _readable(
        self, paths: Sequence[Path], complain: Callable[[str], None]
    ) -> Iterator[tuple[Path, dict[str, Any]]]:
        for path in reversed(paths):
            try:
                state = weights.load_checkpoint(path)
            except ModelError as error:
                complain(str(error))
                continue
            if state.get("kind") == self.kind and isinstance(state.get("images"), int):
                yield path, state
            else:
                complain(f"{path}: a checkpoint of another kind of run ({state.get('kind')})")

    def recorded(self) -> dict[str, Any] | None:
        """The recorded figures of a run that ended well, else None."""
        record = self.catalog.run(self.kind, self.name)
        return dict(record.figures) if record is not None and record.status == "done" else None

    def record(self, status: str, images: int, figures: Mapping[str, Any]) -> None:
        """Tell the catalog how the run stands: running, done or failed."""
        if self.leads:
            self.catalog.put_run(self.name, self.kind, status=status, images=images, figures=dict(figures))


def put_picture(writer: SummaryWriter, name: str, pixels: Pixels, data: bytes, images: int) -> None:
    """Show ``data``, the PNG of H x W x 3 ``pixels``, in TensorBoard as it is: its mark stays, which `add_image` would lose."""
    image = Summary.Image(height=pixels.shape[0], width=pixels.shape[1], colorspace=3, encoded_image_string=data)
    summary = Summary(value=[Summary.Value(tag=name, image=image)])
    writer.file_writer.add_summary(summary, images)  # type: ignore[attr-defined]


def watch_command(runs: Path) -> str:
    """What to type to see the runs of a folder; by itself TensorBoard would drop all but ten pictures of a series."""
    return f"tensorboard --logdir {shlex.quote(str(runs))} --samples_per_plugin images=1000"


def _images_of(line: str) -> float:
    """Images seen at a stats line; a line torn by a kill counts as never written."""
    try:
        return float(json.loads(line)["images"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def _same(folder: Path, config: Config, data_key: str) -> bool:
    """Whether the run was begun on this data with this configuration; settings that were added since had their defaults."""
    try:
        if (folder / "data.key").read_text(encoding="utf-8") != data_key:
            return False
        return _bare(load_config(type(config), folder / "config.yaml")) == _bare(config)
    except (ConfigError, OSError, UnicodeDecodeError):
        return False


def _bare(config: Config) -> dict[str, Any]:
    return {key: value for key, value in config.model_dump().items() if key not in BUDGETS}
