"""A table's rows, piece by piece, are all of its rows."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from catalog.warehouse import Warehouse
from pipelines import pieces


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_pieces_hold_each_row_once_also_behind_gaps_and_in_a_transaction_that_is_not_over(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(pieces, "_ROWS_AT_ONCE", at_once)
    warehouse.replace("numbers", pl.DataFrame({"number": range(9)}))
    warehouse.execute("DELETE FROM warehouse.numbers WHERE number BETWEEN 2 AND 6")
    with warehouse.transaction():
        warehouse.append("numbers", pl.DataFrame({"number": [9, 10]}))
        found = list(
            pieces.in_pieces(warehouse.read, "warehouse.numbers", "SELECT number FROM {} WHERE number <> 8".format)
        )
    assert pl.concat(found)["number"].sort().to_list() == [0, 1, 7, 9, 10]
    assert max(piece.height for piece in found) <= at_once


def test_what_is_picked_is_as_it_was() -> None:
    rows = pl.DataFrame({"text": ["a text that is longer than twelve bytes", "", None], "number": [1, None, 3]})
    assert_frame_equal(pieces.picked(rows), rows)
    assert_frame_equal(pieces.picked(rows.clear()), rows.clear())
