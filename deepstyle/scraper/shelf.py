"""The photos that are kept: whether a new one repeats one of them, and storing it if it does not (loop)."""

from __future__ import annotations

from deepstyle.catalog import Catalog
from deepstyle.config import ScrapeConfig
from deepstyle.records import Listing
from deepstyle.scraper.check import Checked
from deepstyle.scraper.near import NearIndex


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
        """Store a photo that is ``ok``; the outcome is ``kept``, or what else became of it.

        ``duplicate``: its bytes are there already; ``near-duplicate``: nearly its pixels are, and ``drop_near`` is on;
        ``forgotten``: it, or nearly its pixels, must never come back.
        """
        info, digest = photo.info, photo.sha256
        assert info is not None
        if digest in self._gone_bytes:
            return "forgotten"
        if digest in self.known:
            return "duplicate"
        looks = photo.looks
        assert looks is not None
        if self._gone.find(looks.dhash, info.width, info.height, inner=looks.inner, mirror=looks.mirror) is not None:
            return "forgotten"
        near = self._near.find(looks.dhash, info.width, info.height, inner=looks.inner, mirror=looks.mirror)
        if near is not None and self._drop_near:
            return "near-duplicate"
        self._catalog.add_photo(
            digest, photo.data, extension=info.extension, width=info.width, height=info.height, dhash=looks.dhash,
            image_url=one.image_url, page_url=one.page_url, title=one.title, near_of=near, licence=licence, credit=credit,
            inner=looks.inner,
        )  # fmt: skip
        self.known.add(digest)
        self._near.add(digest, looks.dhash, info.width, info.height, near_of=near, inner=looks.inner)
        return "kept"
