"""The ONNX file against the generator it was exported from."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from deepstyle import onnx_file
from deepstyle.config import GanConfig, load_config
from deepstyle.dcgan.build import build_generator
from deepstyle.dcgan.onnx_export import to_onnx
from deepstyle.dcgan.sample import generate, latents
from deepstyle.dcgan.trained import TrainedGenerator
from deepstyle.errors import UsageError

PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def generator(preset: str, labels: tuple[str, ...]) -> TrainedGenerator:
    """A tiny one with random weights, large enough for its tanh to bend."""
    settings = ["upsampling=filtered"] if labels and preset.startswith("dcgan") else []
    config = load_config(GanConfig, preset, ["width=8", "max_width=16", "latent=16", *settings])
    torch.manual_seed(0)
    made = build_generator(config, torch.full((len(labels),), 1 / len(labels)) if labels else None).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(3)
    return TrainedGenerator(name="tiny", generator=made, config=config, labels=labels, figures={})


@pytest.mark.skipif(any(find_spec(name) is None for name in PACKAGES), reason="onnx or onnxruntime is not installed")
@pytest.mark.parametrize("preset", ["dcgan-32", "residual-64"])
@pytest.mark.parametrize("labels", [(), ("dress", "skirt", "top")])
def test_onnxruntime_makes_the_same_images(tmp_path: Path, preset: str, labels: tuple[str, ...]) -> None:
    """For batches of 1 and 5 the file's images are torch's to 1e-4, within [-1, 1]; its metadata tell labels and sizes."""
    import onnxruntime

    trained = generator(preset, labels)
    (tmp_path / "generator.onnx").write_bytes(to_onnx(trained))
    session = onnxruntime.InferenceSession(tmp_path / "generator.onnx", providers=["CPUExecutionProvider"])
    assert [one.shape[0] for one in session.get_inputs()] == ["batch"] * (1 + bool(labels))
    told = session.get_modelmeta().custom_metadata_map
    for count in (1, 5):
        z, numbers = latents(range(count), 16), torch.arange(count) % 3
        feed = {"z": z.numpy()} | ({"label": numbers.numpy()} if labels else {})
        (made,) = session.run(["image"], feed)
        with torch.inference_mode():
            expected = trained.generator(z, numbers if labels else None).clamp(-1, 1).numpy()

        assert made.shape == (count, 3, trained.config.size, trained.config.size)
        assert np.abs(made - expected).max() < 1e-4
        assert 0.1 < np.abs(made).max() <= 1
        pixels = generate(trained.generator, z, numbers if labels else None)
        assert np.abs((made.transpose(0, 2, 3, 1) + 1) * 127.5 - pixels).max() < 0.52

    assert json.loads(told["labels"]) == list(labels)
    assert (json.loads(told["size"]), json.loads(told["latent"])) == (trained.config.size, 16)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the exporter's packages the error names the extra."""
    monkeypatch.setattr(onnx_file, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"onnx and onnxscript.*deepstyle\[onnx\]"):
        to_onnx(generator("dcgan-32", ()))
