"""How programs that people run galleries with write sizes of a photo, as data (pure): rules of ``sites.py``, on any host.

Sources: the files that Coppermine, Piwigo, Gallery 3, Omeka and LiveJournal lay out, and the addresses in their pages.
"""

from __future__ import annotations

# name, a text that every variant has, the variant, the originals
GALLERIES: tuple[tuple[str, ...], ...] = (
    ("coppermine", "/albums/", r"(https?://(?=[^?]*/albums/)(?>(?:[^/?]*+/)*))(?:thumb|normal)_([^/?]+)", r"\1\2",
     r"\1normal_\2"),
    ("piwigo", "/i/", (r"(https?://(?>(?:(?!/_data/i/)[^?])+)/)_data/i/((?:upload|galleries)/[^?]+)"
     r"-(?:sq|th|2s|xs|sm|me|la|xl|xx|cu_\w+)(\.\w+)"), r"\1\2\3", r"\1i.php?/\2-xx\3"),
    ("piwigo-script", "/i.php?/", (r"(https?://[^?]+/)i\.php\?/((?:upload|galleries)/[^?]+)"
     r"-(?:sq|th|2s|xs|sm|me|la|xl|cu_\w+)(\.\w+)"), r"\1\2\3", r"\1i.php?/\2-xx\3"),
    ("gallery3", "/var/", r"(https?://(?>(?:(?!/var/)[^?])+)/var)/(?:thumbs|resizes)/([^?]+)(?:\?.*)?", r"\1/albums/\2",
     r"\1/resizes/\2"),
    ("omeka", "/files/", r"(https?://[^?]+/files)/(?:fullsize|(?:square_)?thumbnails)/([0-9a-f]{32}\.\w+)", r"\1/original/\2"),
    ("livejournal", "pics.livejournal.com/", r"(https?://ic\.pics\.livejournal\.com/[^?]+/\d+)_\d{2,4}(\.\w+)(?:\?.*)?",
     r"\1_original\2"),
)  # fmt: skip
