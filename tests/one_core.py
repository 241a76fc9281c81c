"""Polars works with one thread in the workers themselves, since each has one core: with two, small nights take a
third to a half longer (measured beside other work). The processes that tests start are left as users have them.
"""

from __future__ import annotations

import os
from unittest.mock import patch

with patch.dict(os.environ, POLARS_MAX_THREADS="1"):
    import polars as pl

    # It reads the number when it begins to work.
    pl.thread_pool_size()
