"""deepstyle: fashion galleries on the web -> cropped garments -> a generator of new ones."""

from __future__ import annotations

__version__ = "0.1.0"
