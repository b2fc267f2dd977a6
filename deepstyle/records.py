"""What the catalog knows of each thing, as frozen values: they can be pickled, compared, and handed to any thread or process."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """A picture on a page. URLs are absolute and normal; ``width_hint`` in pixels, when the markup says it.

    ``detail_url``: the page a thumbnail links to, which may show the picture larger; None for a picture that stands by
    itself. ``fallbacks``: other URLs of the same picture, to be asked for in their order when ``image_url`` is refused.
    """

    image_url: str
    page_url: str
    title: str = ""
    width_hint: int | None = None
    detail_url: str | None = None
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CrawledPage:
    """A page of a crawl: who linked to it, its distance from the start, its outcome, how many ``images`` it listed first."""

    url: str
    parent: str | None
    depth: int
    outcome: str
    images: int


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptAnswer:
    """A page as it came, compressed, with its validators (RFC 9110 8.8); ``about``: what its headers said, as JSON."""

    url: str
    etag: str
    modified: str
    about: str
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """A page that shows a photo, the address that the picture has there, and its title there."""

    page_url: str
    image_url: str
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """A photo that was kept: its bytes stand at ``path`` in the workspace, the rest says what they are and whence.

    ``size`` in bytes, ``width`` and ``height`` in pixels, ``near_of`` the photo it nearly repeats, ``at`` seconds since the
    epoch; ``licence`` and ``credit`` as its owner gave them; ``dhash``, ``inner``: how it and its middle look, in 16 hex digits.
    """

    sha256: str
    path: str
    width: int
    height: int
    size: int
    dhash: str
    image_url: str
    page_url: str
    title: str
    near_of: str | None
    at: float
    licence: str = ""
    credit: str = ""
    inner: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Detection:
    """What the detector ``model`` saw on a photo, its ``k``-th: a box in pixels, a label, a score in [0, 1].

    ``shape``: its garment's, packed (``shape.py``); empty when nobody knows it.
    """

    photo: str
    model: str
    k: int
    x0: float
    y0: float
    x1: float
    y1: float
    label: str
    score: float
    shape: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Garment:
    """A garment that was cut: its PNG of ``width`` x ``height`` stands at ``path`` in the workspace.

    It is detection ``k`` of ``model`` on ``photo``, cut by ``rule`` along x0 to y1; ``share`` of what was cut is garment, None
    when nobody knows; the rest is where the photo is from.
    ``tag``: the tag by which it was asked for, empty when it was asked for otherwise.
    """

    photo: str
    k: int
    label: str
    path: str
    x0: float
    y0: float
    x1: float
    y1: float
    score: float
    width: int
    height: int
    model: str
    rule: str
    at: float
    page_url: str
    image_url: str
    share: float | None = None
    licence: str = ""
    credit: str = ""
    tag: str = ""

    @property
    def name(self) -> str:
        """What a garment is called: its photo's hash and its number on it."""
        return f"{self.photo}-{self.k}"

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """The box that was cut, in pixels of the photo: x0, y0, x1, y1."""
        return self.x0, self.y0, self.x1, self.y1

    def called(self, asked: Iterable[str]) -> str:
        """What a training that ``asked`` for these labels calls it: its tag, spelt as there, else its detector's label."""
        return next((name for name in asked if self.tag and name.lower() == self.tag.lower()), self.label)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRecord:
    """A model folder of the workspace and the figures of its validation."""

    name: str
    kind: str
    path: str
    at: float
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """A run folder of the workspace: ``status`` is running, done or failed; ``images`` it has trained on; its figures."""

    name: str
    kind: str
    path: str
    status: str
    images: int
    at: float
    figures: dict[str, Any] = field(default_factory=dict)
