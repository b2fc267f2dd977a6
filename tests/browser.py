"""A real browser for the tests of pages: Debian's chromium, or whichever the machine has."""

from __future__ import annotations

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The browser's path. Without one the test is skipped; where ``CI`` is set it fails: there it must run."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        end = pytest.fail if os.environ.get("CI") else pytest.skip
        end(f"needs a browser ({', '.join(NAMES)}): apt-get install chromium")
    return found
