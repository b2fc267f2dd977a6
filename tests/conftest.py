"""What all tests share: one thread each, because the suite runs several tests at a time."""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before torch is imported, and for the processes that tests start

import pytest  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slowest tests first, so that no worker is left alone with one of them at the end."""
    order = {"test_demo": 0, "test_pipeline": 1}
    items.sort(key=lambda item: (order.get(item.path.stem, 2), not item.get_closest_marker("slow")))
