"""A file is written by a thread of its own, whose troubles are not lost."""

from __future__ import annotations

import errno
from pathlib import Path

import polars as pl
import pytest

from pipelines.uploads.files import output
from pipelines.uploads.files.output import Output

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="no device here that is always full")
@pytest.mark.parametrize("times", [1, 20])
def test_a_full_disk_is_told_as_such_however_late_it_is_noticed(times: int) -> None:
    rows = pl.DataFrame({"email": ["a" * 64] * 20_000})
    with pytest.raises(OSError, match="space") as raised, Output(FULL, "none") as file:
        for _ in range(times):
            rows.write_csv(file)  # type: ignore[arg-type]
    assert raised.value.errno == errno.ENOSPC


def test_what_went_wrong_with_the_last_content_is_raised_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> int:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(output._Checksummed, "write", broken)
    with pytest.raises(OSError, match="broken"), Output(tmp_path / "club.csv", "none") as file:
        file.write(b"content")
