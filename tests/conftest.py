"""What all tests share: one thread each, because the suite runs several tests at a time, and no clock for examples."""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TORCHINDUCTOR_COMPILE_THREADS"):
    os.environ[variable] = "1"  # before torch is imported, and for the processes that tests start

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

# A busy machine is slow, not wrong; and the same examples each time, so that a suite is as green tomorrow as it is today.
settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slowest tests first, so that no worker is left alone with one of them at the end."""
    order = {"test_demo": 0, "test_pipeline": 1}
    items.sort(key=lambda item: (order.get(item.path.stem, 2), not item.get_closest_marker("slow")))
