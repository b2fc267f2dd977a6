"""Weights and checkpoints: safe to open, refused when they belong elsewhere."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from deepstyle import weights
from deepstyle.about import read_about
from deepstyle.errors import ModelError


class Payload:
    """Runs a command when unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_a_pickle_payload_is_refused_and_not_run(tmp_path: Path, writer: str) -> None:
    """A checkpoint with code in it raises ModelError, and the code does not run."""
    path, proof = tmp_path / "evil.pt", tmp_path / "proof"
    if writer == "torch":
        torch.save({"images": 1, "payload": Payload(proof)}, path)
    else:
        path.write_bytes(pickle.dumps(Payload(proof)))

    with pytest.raises(ModelError, match=r"evil\.pt"):
        weights.load_checkpoint(path)
    assert not proof.exists()


def test_checkpoint_round_trip(tmp_path: Path) -> None:
    """State dicts and plain values come back equal."""
    layer = nn.Linear(3, 2)
    weights.save_checkpoint(tmp_path / "c.pt", {"layer": layer.state_dict(), "images": 7, "name": "x"})
    state = weights.load_checkpoint(tmp_path / "c.pt")

    assert state["images"] == 7
    assert torch.equal(state["layer"]["weight"], layer.weight)


@pytest.mark.parametrize("data", [b"", b"garbage" * 50])
def test_a_torn_checkpoint_is_refused(tmp_path: Path, data: bytes) -> None:
    """An empty or foreign file raises ModelError naming it."""
    (tmp_path / "c.pt").write_bytes(data)

    with pytest.raises(ModelError, match=r"c\.pt"):
        weights.load_checkpoint(tmp_path / "c.pt")


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    """Loading a 3-input layer into a 4-input one names the file and the difference."""
    weights.save_weights(tmp_path / "w.safetensors", nn.Linear(3, 2).state_dict())

    with pytest.raises(ModelError, match=r"w\.safetensors.*another model"):
        weights.load_weights(tmp_path / "w.safetensors", nn.Linear(4, 2))


def test_an_incomplete_model_folder_is_refused(tmp_path: Path) -> None:
    """A folder without model.json raises ModelError with the remedy."""
    with pytest.raises(ModelError, match="train it again"):
        read_about(tmp_path)


def test_model_folder_round_trip(tmp_path: Path) -> None:
    """save_model writes weights, config and labels that read back."""
    layer = nn.Linear(3, 2)
    weights.save_model(tmp_path / "m", layer, config_yaml="kind: x\n", labels=("a", "b"), about={"backend": "t"})
    other = nn.Linear(3, 2)
    weights.load_weights(tmp_path / "m/weights.safetensors", other)

    assert torch.equal(other.weight, layer.weight)
    assert read_about(tmp_path / "m") == {"labels": ["a", "b"], "backend": "t"}


def test_half_the_bytes_keep_what_matters(tmp_path: Path) -> None:
    """With ``half`` matrices are rounded to float16, norms are not; the file is about half as large and loads as ever."""
    linear, norm = nn.Linear(64, 64), nn.BatchNorm1d(64)
    statistics = norm.get_buffer("running_var").fill_(1e-9)
    for name, half in (("a", False), ("b", True)):
        weights.save_model(
            tmp_path / name, nn.Sequential(linear, norm), config_yaml="", labels=("x",), about={}, half=half
        )
    sizes = [(tmp_path / name / "weights.safetensors").stat().st_size for name in ("a", "b")]
    loaded = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64))
    weights.load_weights(tmp_path / "b/weights.safetensors", loaded)

    assert sizes[1] < 0.6 * sizes[0]
    assert torch.equal(loaded.get_buffer("1.running_var"), statistics)
    assert torch.equal(loaded.get_parameter("0.weight"), linear.weight.half().float())


def test_every_damaged_byte_is_noticed(tmp_path: Path) -> None:
    """Whichever byte of a checkpoint changes, also of its checksum, and wherever it is cut off: a ModelError names it."""
    path = tmp_path / "c.pt"
    weights.save_checkpoint(path, {"layer": nn.Linear(3, 2).state_dict(), "images": 7})
    good = path.read_bytes()
    for place in [*range(0, len(good), 37), *range(len(good) - 80, len(good))]:
        for bad in (good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :], good[:place]):
            path.write_bytes(bad)
            with pytest.raises(ModelError, match=r"c\.pt"):
                weights.load_checkpoint(path)
    path.write_bytes(good)

    assert weights.load_checkpoint(path)["images"] == 7


def test_a_checkpoint_from_before_there_were_checksums_opens(tmp_path: Path) -> None:
    """A file that torch.save wrote is read, and torch.load reads what we write."""
    torch.save({"images": 7}, tmp_path / "old.pt")
    weights.save_checkpoint(tmp_path / "new.pt", {"images": 7})

    assert weights.load_checkpoint(tmp_path / "old.pt") == weights.load_checkpoint(tmp_path / "new.pt") == {"images": 7}
    assert torch.load(tmp_path / "new.pt", weights_only=True)["images"] == 7


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    """A network is not filled with NaN or infinity: the error names the file and the tensor."""
    layer = nn.Linear(3, 2)
    layer.bias.data[1] = value
    weights.save_weights(tmp_path / "w.safetensors", layer.state_dict())

    with pytest.raises(ModelError, match=r"w\.safetensors.*not finite \(bias\)"):
        weights.load_weights(tmp_path / "w.safetensors", nn.Linear(3, 2))


def test_an_optimizer_of_another_network_is_refused() -> None:
    """What torch takes, moments of any shape to fail at a step, is refused when it is loaded."""
    layer, other = nn.Linear(3, 2), nn.Linear(4, 2)
    ours, theirs = (torch.optim.Adam(network.parameters()) for network in (layer, other))
    other(torch.ones(1, 4)).sum().backward()
    theirs.step()

    with pytest.raises(ModelError, match="another network"), weights.restoring("c.pt"):
        weights.fill_optimizer(ours, theirs.state_dict())
