"""What is to run on a GPU, rehearsed with tiny sizes: so that it works the first time one is there."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> object:
    """The benchmark as a module."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    return importlib.import_module("gpu")


def test_the_rehearsal_goes_through_every_stage(gpu: object, tmp_path: Path) -> None:
    """Every stage leaves results and no error, every check holds, and weights and grids of both trainings are there."""
    gpu.main(["--rehearse", "--out", str(tmp_path)])  # type: ignore[attr-defined]
    results = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]

    assert [one for one in results if "error" in one] == []
    assert {one["stage"] for one in results} == {"machine", "checks", "processes", "speed", "floor", "training"}
    assert [one["check"] for one in results if one.get("ok")] == ["bfloat16", "channels_last", "going on"]
    for preset in ("dcgan-plus-64", "dcgan-plus-128"):
        assert (tmp_path / f"model-{preset}/weights.safetensors").is_file()
        assert (tmp_path / f"grid-{preset}.png").is_file()


def test_a_stage_that_fails_does_not_end_the_others(
    gpu: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error of a stage is a result, too."""

    def broken(_: object) -> object:
        raise RuntimeError("out of memory")

    broken.__name__ = "floor"
    for name in ("checks", "speed", "training"):
        monkeypatch.setattr(gpu, name, lambda _: iter(()))
    monkeypatch.setattr(gpu, "floor", broken)
    gpu.main(["--rehearse", "--out", str(tmp_path)])  # type: ignore[attr-defined]
    results = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]

    assert results[-1] == {"stage": "floor", "error": "RuntimeError: out of memory"}
