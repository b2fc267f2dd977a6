"""The category classifier as a thing: loading its folder, turning pixels into features.

    models/<name>/weights.safetensors   the network
    models/<name>/config.yaml           the ClassifierConfig it was trained with
    models/<name>/model.json            kind, labels, preprocessing, figures, run; written last

Preprocessing is one function, ``Preprocessing.__call__``, used by training, evaluation and ``embed``; its numbers are
saved beside the weights, because a network fed differently than it was trained loses a third of its accuracy unnoticed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self, TypeVar, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepstyle import weights
from deepstyle.about import config_file, name_of, read_about
from deepstyle.classifier.augment import to_float
from deepstyle.classifier.build import build_network
from deepstyle.classifier.views import PLACES, Tta, resized, views
from deepstyle.classifier.winograd import arrange
from deepstyle.config import ClassifierConfig, NetworkConfig, load_config
from deepstyle.errors import ConfigError, InputError, ModelError
from deepstyle.images import Fit, Pixels
from deepstyle.lite import STAGES, LiteClassifier
from deepstyle.machine import in_bfloat

KIND = "classifier"
FORMAT = 1
LARGEST = 2048  # pixels a side that a classifier can see
QUICK, STAGE = 64, "stage5"  # of a quick look of lite0: pixels a side, and the maps that are features; see docs/log.md
CACHED = 300_000  # pixels that a CPU looks at at once: the maps of more leave its cache, which costs a third more time
C = TypeVar("C", bound=NetworkConfig)


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What happens to an image before the network: a square of ``image_size`` pixels, normalised per channel.

    ``mean`` and ``std`` are of values in [0, 1]; the defaults are ImageNet's, which pretrained weights expect. ``fit``: how
    a photo that is no square became one for the training; who reads photos from files does the same.
    """

    image_size: int
    fit: Fit = "pad"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def __call__(self, images: Tensor) -> Tensor:
        """NCHW float32 in [0, 1], any size -> NCHW float32, ``image_size`` square, mean 0 and deviation 1 or so."""
        images = resized(images, self.image_size)
        mean = images.new_tensor(self.mean).view(1, 3, 1, 1)
        std = images.new_tensor(self.std).view(1, 3, 1, 1)
        return ((images - mean) / std).contiguous(memory_format=torch.channels_last)


class Classifier:
    """A network together with its labels and preprocessing: a model folder in memory.

    ``labels`` are the category names in the order of the outputs, ``image_size`` is in pixels, ``feature_size`` is the
    length D of the vectors that ``embed`` gives, ``name`` is the model folder's,
    ``weights_name`` that with a digest of the weights (empty before there is a folder); features are the mean over the
    views that ``tta`` names, unless ``embed`` is told otherwise. ``stage``: lite0's maps of that stage are
    the features, averaged over their places; without one they are what the last layer sees. ``beside``: the detector whose
    surest garment ``predict`` looks at beside the whole picture. ``bfloat``: all but the last layer is computed in bfloat16.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocessing: Preprocessing,
        labels: tuple[str, ...],
        name: str,
        *,
        weights_name: str = "",
        tta: Tta = "mirror",
        stage: str = "",
        beside: str = "",
        bfloat: bool = False,
    ) -> None:
        self.network, self.preprocessing, self.labels, self.name = network, preprocessing, labels, name
        self.tta, self.stage, self.beside, self.bfloat = tta, stage, beside, bfloat
        self.image_size, self.weights_name = preprocessing.image_size, weights_name
        self._head: nn.Linear = network.get_submodule("fc")  # type: ignore[assignment]
        self._trunk = nn.Sequential(*(part for title, part in network.named_children() if title != "fc"), nn.Flatten())
        self.feature_size = STAGES[stage][3] if stage else self._head.in_features

    @classmethod
    def load(cls, folder: Path, *, device: torch.device | None = None, arranged: bool = False) -> Self:
        """Open a model folder on ``device`` (a GPU if there is one, by default); ``arranged``: see ``ready``.

        Raises ModelError when the folder is incomplete, of another kind (a detector) or damaged.
        """
        about, config, preprocessing = opened(folder, KIND, ClassifierConfig)
        labels = tuple(about["labels"])
        network = weights.loaded(
            folder / "weights.safetensors", lambda _: build_network(config.network, len(labels), width=config.width)
        )
        own = name_of(folder)
        network = ready(network, device, arranged=arranged)
        beside = str(about.get("beside", ""))
        return cls(
            network, preprocessing, labels, folder.name, weights_name=own, tta=config.tta, beside=beside,
            bfloat=arranged and in_bfloat(config.precision),
        )  # fmt: skip

    def describe(self) -> dict[str, Any]:
        """All that its features depend on, for a score: weights, preprocessing, how many numbers."""
        told = {
            "weights": self.weights_name,
            "preprocessing": asdict(self.preprocessing),
            "mirror": self.tta != "none",
            "stage": self.stage,
        }
        crops = {"tta": self.tta} if self.tta in PLACES else {}
        return {**told, **crops, "features": self.feature_size}

    @property
    def identity(self) -> str:
        """A name of this judge and of how it looks: figures of two are not compared."""
        told = json.dumps(self.describe(), sort_keys=True)
        ways = {"none": "", "mirror": " and mirrored"}
        look = f"{self.image_size} px{ways.get(self.tta, f' in {self.tta} crops')}"
        return f"{self.name} at {look}, {hashlib.sha256(told.encode()).hexdigest()[:8]}"

    def quick(self, size: int | None = None) -> Classifier:
        """The same network looking once, without the mirror, at ``size`` pixels: for figures that are wanted often.

        Without a size lite0 looks at ``QUICK`` pixels, which its fixed norms bear, and its features are maps of ``STAGE``,
        which see damage where the last ones are blind to it; others look at their own size.
        """
        light = isinstance(self.network, LiteClassifier)
        side = size or (min(QUICK, self.image_size) if light else self.image_size)
        preprocessing = replace(self.preprocessing, image_size=side)
        return Classifier(
            self.network,
            preprocessing,
            self.labels,
            self.name,
            weights_name=self.weights_name,
            tta="none",
            stage=STAGE if light else "",
        )

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """N x D features that ``embed`` gave without a stage -> N x L float32, whose softmax are its probabilities."""
        assert not self.stage
        with scoring(self.network):
            found: NDArray[np.float32] = (
                self._head(torch.from_numpy(features).to(self._head.weight.device)).cpu().numpy()
            )
        return found

    def cool(self, temperature: float) -> None:
        """Divide the last layer by a temperature, which so travels with the weights; ranks stay, probabilities change."""
        with torch.no_grad():
            for parameter in self._head.parameters():
                parameter.div_(temperature)

    def save(
        self, folder: Path, config_yaml: str, about: dict[str, Any], *, half: bool = False,
        extra: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Write the model folder; ``about`` (figures, run) is added to model.json; ``half``: matrices in float16.

        ``extra`` texts stand beside them, by file name.
        """
        about = {"kind": KIND, "format": FORMAT, "preprocessing": asdict(self.preprocessing), **about}
        own, labels = self.network, self.labels
        weights.save_model(folder, own, config_yaml=config_yaml, labels=labels, about=about, half=half, extra=extra)

    def embed(
        self, pixels: Pixels, *, batch_size: int = 128, tta: Tta | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """N x S x S x 3 uint8, any S -> N x D float32 features, N x L float32 probabilities (rows sum to 1).

        Features are the mean over the views of ``tta`` (the judge's own by default): a garment is the same garment seen in a
        mirror. Evaluation mode, and float32 unless it was loaded for looking only, so that a score depends neither on the
        precision of training nor on the machine.
        Raises InputError when the array is no stack of RGB images.
        """
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3:
            raise InputError(
                f"images must be N x S x S x 3 uint8, not {' x '.join(map(str, pixels.shape))} {pixels.dtype}"
            )
        features = np.empty((len(pixels), self.feature_size), np.float32)
        probabilities = np.empty((len(pixels), len(self.labels)), np.float32)
        with scoring(self.network):
            for part in parts(len(pixels), batch_size, self.image_size, self._head.weight.device):
                images = to_float(pixels[part], self._head.weight.device)
                seen, vectors = self._looks(images, tta or self.tta)
                features[part] = seen.cpu().numpy()
                probabilities[part] = self._head(vectors).softmax(dim=1).cpu().numpy()
        return features, probabilities

    def told(self, images: Tensor) -> Tensor:
        """NCHW float32 in [0, 1] -> N x L probabilities, as those of ``embed``, for who sets mode and precision itself."""
        probabilities: Tensor = self._head(self._looks(images, self.tta)[1]).softmax(dim=1)
        return probabilities

    def _looks(self, images: Tensor, tta: Tta) -> tuple[Tensor, Tensor]:
        """The features of N images and what the last layer sees of them, both the mean over the views."""
        looks = [self._look(self.preprocessing(view)) for view in views(images, self.image_size, tta)]
        seen, vectors = (torch.stack(each).mean(dim=0) for each in zip(*looks, strict=True))
        return seen, vectors

    def _look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        with rounded(images, bfloat=self.bfloat):
            if self.stage:
                assert isinstance(self.network, LiteClassifier)
                seen, vectors = self.network.looks(images, self.stage)
            else:
                seen = vectors = self._trunk(images)
        return seen.float(), vectors.float()


def rounded(images: Tensor, *, bfloat: bool) -> AbstractContextManager[object]:
    """Inside, convolutions and products of such images are computed in bfloat16, or else as around it."""
    return torch.autocast(images.device.type, torch.bfloat16) if bfloat else nullcontext()


@contextmanager
def scoring(network: nn.Module) -> Iterator[None]:
    """Evaluation mode, no gradients, full float32 (no autocast, no TF32); the former mode comes back afterwards."""
    training = network.training
    network.eval()
    device = next(network.parameters()).device.type
    try:
        with (
            torch.inference_mode(),
            torch.autocast(device, enabled=False),
            torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False),
        ):
            yield
    finally:
        network.train(training)


def opened(folder: Path, kind: str, schema: type[C]) -> tuple[dict[str, Any], C, Preprocessing]:
    """What a model folder says of itself, its config and its preprocessing.

    Raises ModelError when the folder is incomplete or of another kind.
    """
    about = read_about(folder)
    if about.get("kind") != kind:
        raise ModelError(f"{folder} is no {kind} but a {about.get('kind')}; train one, or name another --model")
    with complete(folder, kind):
        return about, load_config(schema, config_file(folder)), read_preprocessing(about["preprocessing"])


@contextmanager
def complete(folder: Path, kind: str) -> Iterator[None]:
    """Inside, what a model folder says is read: what it lacks, or says in another form, becomes a ModelError."""
    try:
        yield
    except (ConfigError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{folder} is not a complete {kind} ({error}); train it again") from error


def ready(network: nn.Module, device: torch.device | None, *, arranged: bool = False) -> nn.Module:
    """The network on ``device`` (a GPU if there is one, by default), for looking only.

    ``arranged``: it looks with less work, if it is a ResNet, but can be neither saved nor exported. Its owner computes in
    bfloat16 then, where the processor does and its config allows it.
    """
    network = network.to(device or torch.device("cuda" if torch.cuda.is_available() else "cpu")).eval()
    if arranged:
        arrange(network)
    return network


def parts(count: int, most: int, side: int, device: torch.device) -> Iterator[slice]:
    """Which of ``count`` images are looked at together: ``most`` of them, on a CPU no more than its cache can hold."""
    step = min(most, max(1, CACHED // side**2)) if device.type == "cpu" else most
    return (slice(start, start + step) for start in range(0, count, step))


def read_preprocessing(values: dict[str, Any]) -> Preprocessing:
    """The preprocessing that a model.json tells of. Raises KeyError, TypeError and ValueError for what cannot be one."""
    mean, std = (tuple(float(value) for value in values[key]) for key in ("mean", "std"))
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0 or not all(map(math.isfinite, mean + std)):
        raise ValueError("preprocessing must have three means and three positive deviations")
    if not 1 <= (side := int(values["image_size"])) <= LARGEST:
        raise ValueError(f"preprocessing to {side} pixels; 1 to {LARGEST} are possible")
    if (fit := values.get("fit", "pad")) not in get_args(Fit):  # models from before it was written down were padded
        raise ValueError(f"preprocessing by {fit!r}; {', '.join(get_args(Fit))} are possible")
    return Preprocessing(image_size=side, fit=fit, mean=mean, std=std)
