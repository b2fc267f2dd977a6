"""The photos that are kept: whether a new one repeats one of them, and storing it if it does not (loop)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deepstyle.catalog import Catalog
from deepstyle.config import ScrapeConfig
from deepstyle.records import Listing
from deepstyle.scraper.check import Checked
from deepstyle.scraper.near import NearIndex


@dataclass(frozen=True)
class Placed:
    """What becomes of a photo, and which kept one it nearly repeats."""

    outcome: str
    near: str | None = None


class Shelf:
    """The photos of a catalog whose files are there. ``known`` holds their hashes. One thread."""

    def __init__(self, catalog: Catalog, config: ScrapeConfig) -> None:
        self._catalog, self._drop_near = catalog, config.drop_near
        self.known: set[str] = set()
        self._near = NearIndex(config.near_distance)
        self._gone = NearIndex(config.near_distance)  # photos that must never come back, in no size
        self._gone_bytes = {one.what for one in catalog.rights.forgotten() if one.kind == "photo"}
        for one in catalog.rights.forgotten():
            if one.looks:
                dhash, width, height = one.looks.split()
                self._gone.add(one.what, dhash, int(width), int(height))
        for photo in catalog.standing_photos():
            self.known.add(photo.sha256)
            self._near.add(
                photo.sha256, photo.dhash, photo.width, photo.height, near_of=photo.near_of, inner=photo.inner
            )

    def keep(self, one: Listing, photo: Checked, *, licence: str = "", credit: str = "") -> str:
        """Store a photo that is ``ok``; the outcome is ``kept``, or what else became of it."""
        placed = self.place(photo)
        if placed.outcome == "kept":
            self.enter(one, photo, placed, licence=licence, credit=credit)
        return placed.outcome

    def place(self, photo: Checked) -> Placed:
        """Decide what becomes of a photo that is ``ok``; one that is ``kept`` counts among the photos from here on.

        ``duplicate``: its bytes are there already; ``near-duplicate``: nearly its pixels are, and ``drop_near`` is on;
        ``forgotten``: it, or nearly its pixels, must never come back.
        """
        info, digest, looks = photo.info, photo.sha256, photo.looks
        assert info is not None
        if digest in self._gone_bytes:
            return Placed("forgotten")
        if digest in self.known:
            return Placed("duplicate")
        assert looks is not None
        size = info.width, info.height
        if len(self._gone) and self._gone.find(looks.dhash, *size, inner=looks.inner, mirror=looks.mirror) is not None:
            return Placed("forgotten")
        near = self._near.find(looks.dhash, *size, inner=looks.inner, mirror=looks.mirror)
        if near is not None and self._drop_near:
            return Placed("near-duplicate")
        self.known.add(digest)
        self._near.add(digest, looks.dhash, *size, near_of=near, inner=looks.inner)
        return Placed("kept", near)

    def file(self, photo: Checked) -> tuple[Path, bytes]:
        """The file of a photo that is kept."""
        assert photo.info is not None
        return self._catalog.path(self._catalog.photo_place(photo.sha256, photo.info.extension)), photo.data

    def enter(
        self, one: Listing, photo: Checked, placed: Placed, *, licence: str = "", credit: str = "", stored: bool = False
    ) -> None:
        """Add a photo that is kept to the catalog; ``stored``: its file is there."""
        info, looks = photo.info, photo.looks
        assert info is not None
        assert looks is not None
        self._catalog.add_photo(
            photo.sha256, photo.data, extension=info.extension, width=info.width, height=info.height, dhash=looks.dhash,
            image_url=one.image_url, page_url=one.page_url, title=one.title, near_of=placed.near, licence=licence,
            credit=credit, inner=looks.inner, stored=stored,
        )  # fmt: skip
