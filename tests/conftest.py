"""What all tests share: one thread each, because the suite runs several tests at a time."""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before torch is imported, and for the processes that tests start
