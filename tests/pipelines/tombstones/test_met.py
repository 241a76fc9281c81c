"""Looking for erased people piece by piece, and only at what tombstones may meet, finds whom looking at all finds."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from itertools import product

import polars as pl
import pytest

from catalog.warehouse import Warehouse
from pipelines import pieces
from pipelines.identifiers.canonical import with_canonical
from pipelines.tombstones.covered import Having, among, covered_records, usable, within
from pipelines.tombstones.erased import erased_marks, own_tombstones
from pipelines.tombstones.met import ADDRESSED, met_rows
from pipelines.tombstones.tombstones import Compared, person_tombstones, tombstones
from schemas.crm import CrmCustomers, ErasureRequests
from schemas.network import networks
from schemas.settings import Joining

KEY = "5" * 64
#: As typed: each column may hold what belongs in the other, or several, and an e-mail may be kept as its digest.
TYPED = (
    None, "Jo@x.fr", "al@x.fr", "06 12 34 56 78", "+33699999999", "12", sha256(b"jo@x.fr").hexdigest(),
    "eve@x.fr; Jo <jo@x.fr>", f"0x{sha256(b'al@x.fr').hexdigest()}",
)  # fmt: skip
COUNTRIES = (None, "FR", "BE")


@pytest.mark.parametrize(
    "asked",
    [
        {"email": ["jo@x.fr"], "phone": [], "customer_id": []},
        {"email": ["al@x.fr"], "phone": ["0612345678"], "customer_id": []},
        {"email": [], "phone": ["0699999999"], "customer_id": ["c9", "c30"]},
    ],
)
def test_whom_requests_meet_and_cover_is_found_in_pieces_as_among_all(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, asked: dict[str, list[str]]
) -> None:
    monkeypatch.setattr(pieces, "_ROWS_AT_ONCE", 40)
    schema = pl.DataFrame(CrmCustomers.create_empty()).schema
    typed = [
        {**dict.fromkeys(schema), "customer_id": f"c{number}", "email": email, "phone": phone, "country": country}
        for number, (email, phone, country) in enumerate(product(TYPED, TYPED, COUNTRIES))
    ]
    records = pl.DataFrame(typed, schema=schema)
    stones = erasures_of(asked, records)
    customers = with_canonical(records, default_country="FR", prehashed={"email": "sha256"})
    marks = erased_marks(customers, own_tombstones(customers, KEY), stones, Compared(KEY, "FR"))
    marked = marks.select(pl.any_horizontal(pl.all())).to_series()

    warehouse.replace("crm_customers", customers)
    met = met_rows(warehouse, "warehouse.crm_customers", stones, Compared(KEY, "FR"))

    assert 0 < met.rows.height < customers.height
    assert met.rows.select(ADDRESSED).equals(customers.filter(marked).select(ADDRESSED))
    assert met.marks.equals(marks.filter(marked))

    def covered(rows: pl.DataFrame, marks: pl.DataFrame, having: Having) -> pl.DataFrame:
        return covered_records(
            rows,
            marks,
            stones,
            joining=Joining(shared_by_more_than=60),
            compared=Compared(KEY, "FR"),
            whole=lambda ids: customers.filter(pl.col("customer_id").is_in(ids.implode())),
            having=having,
        ).sort(pl.all())

    there = covered(met.rows, met.marks, within(warehouse, usable("warehouse.crm_customers")))
    assert there.equals(covered(customers, marks, among(customers)))
    assert there.height > len(asked["customer_id"])


def erasures_of(asked: dict[str, list[str]], records: pl.DataFrame) -> pl.DataFrame:
    schema = pl.DataFrame(ErasureRequests.create_empty()).schema
    at = datetime(2024, 6, 1, tzinfo=UTC)
    rows = [
        {**dict.fromkeys(schema), "request_id": f"r-{value}", kind: value, "requested_at": at}
        for kind, values in asked.items()
        for value in values
    ]
    requests = pl.DataFrame(rows, schema=schema)
    named = tombstones(requests, records, Compared(KEY, "FR"), networks={"meta": networks()["meta"]})
    return pl.concat([named, person_tombstones(requests, KEY)])
