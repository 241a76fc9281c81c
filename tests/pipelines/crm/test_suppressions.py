"""What is said of a suppression list that cannot be read."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.crm.suppressions import read_suppressions
from schemas.crm import WithheldAddresses
from schemas.errors import SourceError
from schemas.suppression import Suppression
from tests.pipelines.crm.test_pull import NOBODY, reading_of


def test_a_list_that_is_no_regular_csv_is_told_as_what_it_is(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    read = reading_of(database, tmp_path)
    rule = Suppression(title="Bounced", select="SELECT customer_id FROM raw_visits")
    header = b"event_id,customer_id,occurred_at,event"
    (tmp_path / "visits.csv").write_bytes(header + b"\r\nv1,sentinel,2025-01-01,visit\nv2,zoe,2025-01-01,visit\r\n")

    with pytest.raises(SourceError) as refused:
        read_suppressions({"bounced": rule}, read, NOBODY, pl.DataFrame(WithheldAddresses.create_empty()))

    told = str(refused.value)
    assert told.startswith("suppressions/bounced.toml, select: ")
    assert "visits.csv is no regular CSV: its line ends are mixed" in told
    assert "sentinel" not in told
