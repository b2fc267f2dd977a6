"""ImageNet weights from mirrors and folders, checked by the hash in their name, and what trainers do with them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import torchvision
from loopback import Exchange, serve
from test_classifier import make_table
from test_detector_train import TINY, annotated
from torch import Tensor

from deepstyle import weights
from deepstyle.catalog import Catalog
from deepstyle.classifier.build import build_network as build_classifier
from deepstyle.classifier.train import train_classifier
from deepstyle.config import ClassifierConfig, DetectorConfig, load_config
from deepstyle.detector.find import load_detector
from deepstyle.detector.networks import build_network, imagenet_name, start_from_imagenet
from deepstyle.detector.train import train_detector
from deepstyle.errors import ConfigError, ModelError, UsageError
from deepstyle.images import decode
from deepstyle.pretrained import bring, imagenet
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)


def random_state(network: str) -> dict[str, Tensor]:
    """Weights of the shapes of torchvision's network: random, but the same for the same name."""
    torch.manual_seed(7)
    return dict(torchvision.models.get_model(network, weights=None).state_dict())


def address_of(data: bytes, name: str = "resnet18") -> str:
    """Where a file of these bytes would be published: at a host that does not exist."""
    return f"https://weights.invalid/models/{name}-{hashlib.sha256(data).hexdigest()[:8]}.pth"


@pytest.fixture(scope="module")
def published() -> bytes:
    """A file of weights as torchvision publishes them."""
    out = io.BytesIO()
    torch.save(random_state("resnet18"), out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Torch's cache of this test alone."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch/hub/checkpoints"


def start_of(exchange: Exchange) -> int:
    """The first byte that a request asks for."""
    return int(exchange.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))


def left(cache: Path) -> list[str]:
    """The files in the cache, but for the lock."""
    return [path.name for path in cache.iterdir() if not path.name.startswith(".")]


def test_a_mirror_gives_the_weights_once(published: bytes, cache: Path) -> None:
    """A file with the right hash goes from the mirror to torch's cache, its values into the network; then it is there."""
    address = address_of(published)
    name = address.rpartition("/")[2]
    with serve({f"/w/{name}": published}) as site:
        paths = [bring(address, f"{site.url}/w/", reporter=QUIET) for _ in range(2)]
        hits = dict(site.hits)
    network = build_classifier("resnet18", 3, imagenet=weights.load_checkpoint(paths[0]))

    assert paths == [cache / name] * 2
    assert hits == {f"/w/{name}": 1}
    assert torch.equal(network.state_dict()["layer4.1.conv2.weight"], random_state("resnet18")["layer4.1.conv2.weight"])
    assert network.state_dict()["fc.weight"].shape == (3, 512)


def test_a_folder_gives_the_weights(published: bytes, tmp_path: Path, cache: Path) -> None:
    """A folder with torchvision's files is read where it is; one without, and no folder at all, are refused by name."""
    address = address_of(published)
    path = tmp_path / address.rpartition("/")[2]
    path.write_bytes(published)

    assert bring(address, str(tmp_path), reporter=QUIET) == path
    path.write_bytes(published[:-1])
    with pytest.raises(ModelError, match=rf"{path.name}: its bytes do not have the SHA-256"):
        bring(address, str(tmp_path), reporter=QUIET)
    path.unlink()
    with pytest.raises(ModelError, match=rf"{path.name}: there is no such file.*pretrained=false"):
        bring(address, str(tmp_path), reporter=QUIET)
    with pytest.raises(UsageError, match="pretrained_from=elsewhere: neither"):
        bring(address, "elsewhere", reporter=QUIET)
    assert not cache.exists()


def test_other_bytes_are_refused_and_thrown_away(published: bytes, cache: Path) -> None:
    """A file that has not the hash of its name is refused by name and leaves nothing behind; in the cache it is replaced."""
    address = address_of(published)
    name = address.rpartition("/")[2]
    with serve({f"/{name}": b"<html>sign in first</html>"}) as site:
        with pytest.raises(ModelError, match=rf"{site.url}/{name}: its bytes do not have the SHA-256.*pretrained_from"):
            bring(address, site.url, reporter=QUIET)
        assert left(cache) == []
        site.routes[f"/{name}"] = published
        (cache / name).write_bytes(b"spoiled")
        bring(address, site.url, reporter=QUIET)

    assert (cache / name).read_bytes() == published


def test_a_dead_host_and_a_missing_file_are_said(published: bytes, cache: Path) -> None:
    """Nobody at the address, and a mirror without the file, are a ModelError with the address and the remedy."""
    with serve({}) as site:
        gone = site.url
        with pytest.raises(ModelError, match=r"resnet18-.*HTTP 404.*pretrained_from.*pretrained=false"):
            bring(address_of(published), gone, reporter=QUIET)
    with pytest.raises(ModelError, match=rf"{gone}/resnet18-.*ConnectionError.*pretrained_from.*pretrained=false"):
        bring(address_of(published), gone, reporter=QUIET)
    with pytest.raises(ModelError, match=rf"{gone}/resnet50-11ad3fa6\.pth"):
        imagenet("resnet50", gone, QUIET)
    assert left(cache) == []


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no-ranges"])
def test_a_broken_download_goes_on(published: bytes, cache: Path, *, ranges: bool) -> None:
    """A connection that breaks halfway is taken up where it broke, or from the start where the server knows no ranges."""
    asked: list[int] = []
    half = len(published) // 2

    def route(exchange: Exchange) -> None:
        asked.append(start_of(exchange))
        start = asked[-1] if ranges else 0
        exchange.send_response(206 if start else 200)
        exchange.send_header("Content-Length", str(len(published) - start))
        exchange.end_headers()
        exchange.wfile.write(published[start : half if len(asked) == 1 else None])
        exchange.close_connection = True

    address = address_of(published)
    name = address.rpartition("/")[2]
    with serve({f"/{name}": route}) as site:
        path = bring(address, site.url, reporter=QUIET)

    assert path.read_bytes() == published
    assert asked == [0, pytest.approx(half, abs=1 << 20)]
    assert left(cache) == [name]


def test_what_a_killed_download_left_is_continued(published: bytes, cache: Path) -> None:
    """The part that an earlier command left is not fetched again; one that was complete needs nothing more."""
    address = address_of(published)
    name = address.rpartition("/")[2]
    sent: list[int] = []

    def route(exchange: Exchange) -> None:
        start = start_of(exchange)
        sent.append(len(published) - start)
        exchange.send(published[start:], status=206 if start < len(published) else 416)

    cache.mkdir(parents=True)
    with serve({f"/{name}": route}) as site:
        for there in (1000, len(published)):
            (cache / f"{name}.part").write_bytes(published[:there])
            path = bring(address, site.url, reporter=QUIET)
            assert path.read_bytes() == published
            path.unlink()

    assert sent == [len(published) - 1000, 0]


@pytest.mark.parametrize("backbone", ["mobilenet", "r50", "r50-v2"])
def test_a_backbone_starts_from_the_weights(backbone: str) -> None:
    """The body of a detector's backbone holds torchvision's values, all of them, and refuses those of another network."""
    made = load_config(DetectorConfig, None, [f"backbone={backbone}", "pretrained=true"])
    state = random_state(imagenet_name(made))
    network = build_network(made, 2)
    start_from_imagenet(network, state)
    body = network.backbone.body.state_dict()
    wanted = {name.removeprefix("features."): value for name, value in state.items()}

    assert all(torch.equal(value, wanted[name]) for name, value in body.items())
    assert {name for name in wanted if name not in body and not name.endswith("num_batches_tracked")} == {
        name for name in wanted if name.startswith(("fc.", "classifier."))
    }
    with pytest.raises(ModelError, match="belong to another model"):
        start_from_imagenet(network, random_state("resnet18"))


class Mirror:
    """Hands out random weights in place of torchvision's, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, network: str, source: str, reporter: Reporter) -> Mapping[str, Tensor]:
        self.asked.append((network, source))
        return random_state(network)


@pytest.mark.slow
def test_a_detector_asks_for_the_weights_at_its_start_only(tmp_path: Path) -> None:
    """A new run starts from the weights; its continuation, from another mirror even, and the finished model ask no more."""
    mirror = Mirror()
    photos, held_out = annotated(tmp_path), annotated(tmp_path, 4)
    settings = [*TINY, "pretrained=true", "parsing=0"]
    with Catalog(tmp_path) as catalog:
        for budget, source in (("images=2", "first"), ("images=4", "second")):
            made = load_config(DetectorConfig, "mobilenet-320", [*settings, budget, f"pretrained_from={source}"])
            result = train_detector(photos, held_out, catalog, made, reporter=QUIET, fetch=mirror)
    found = load_detector(result.folder).detect([decode(photos.images[0].path.read_bytes())])
    kept = weights.read_weights(result.folder / "weights.safetensors")["backbone.body.0.0.weight"]

    assert mirror.asked == [("mobilenet_v3_large", "first")]
    assert (result.run, result.images, len(found)) == ("detector-001", 4, 1)
    assert torch.equal(kept, random_state("mobilenet_v3_large")["features.0.0.weight"].half().float())


@pytest.mark.slow
def test_a_classifier_asks_for_the_weights_at_its_start_only(tmp_path: Path) -> None:
    """The same for the classifier; its small network has no such weights, which is said before anything starts."""
    mirror = Mirror()
    table = make_table(tmp_path / "photos", 24)
    settings = ["image_size=32", "batch_size=4", "validation_share=0.2", "precision=32", "pretrained=true"]
    with Catalog(tmp_path) as catalog:
        for budget in ("images=4", "images=8"):
            made = load_config(ClassifierConfig, "classifier-64", [*settings, "network=resnet18", budget])
            result = train_classifier(table, catalog, made, reporter=QUIET, fetch=mirror)
        small = load_config(ClassifierConfig, "classifier-64", [*settings, "network=small"])
        with pytest.raises(ConfigError, match="network small"):
            train_classifier(table, catalog, small, reporter=QUIET, fetch=mirror)

    assert mirror.asked == [("resnet18", "")]
    assert result.run == "classifier-001"


def test_a_small_detector_has_no_such_weights() -> None:
    """Our small backbone is refused by name: torchvision knows nothing of it."""
    with pytest.raises(ConfigError, match=r"backbone small.*pretrained=false"):
        imagenet_name(load_config(DetectorConfig, "small-256"))
