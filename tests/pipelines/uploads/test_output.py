"""A file is written by a thread of its own, whose troubles are not lost."""

from __future__ import annotations

import errno
from pathlib import Path

import polars as pl
import pytest

from pipelines.uploads.output import Output

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="no device here that is always full")
@pytest.mark.parametrize("times", [1, 20])
def test_a_full_disk_is_told_as_such_however_late_it_is_noticed(times: int) -> None:
    rows = pl.DataFrame({"email": ["a" * 64] * 20_000})
    with pytest.raises(OSError, match="space") as raised, Output(FULL, "none") as output:
        for _ in range(times):
            rows.write_csv(output)  # type: ignore[arg-type]
    assert raised.value.errno == errno.ENOSPC
