"""Looking for erased people piece by piece, and only at what tombstones may meet, finds whom looking at all finds."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.warehouse import Warehouse
from pipelines.crm.erased import erased_marks, own_tombstones
from pipelines.crm.erasures import person_tombstones, tombstones
from pipelines.erasure import pieces
from pipelines.erasure.covered import among, covered_records, within
from pipelines.erasure.met import ADDRESSED, met_rows
from pipelines.identifiers.canonical import with_canonical
from schemas.crm import CrmCustomers, ErasureRequests
from schemas.network import networks
from schemas.settings import Joining

KEY = "5" * 64
COMPARED = {"identity_key": KEY, "default_country": "FR"}
ASKED = ("jo@x.fr", "al@x.fr", "0612345678", "0699999999")
#: As typed: each column may hold what belongs in the other, and an e-mail may be kept as its digest.
TYPED = (None, "Jo@x.fr", "al@x.fr", "06 12 34 56 78", "+33699999999", "12", sha256(b"jo@x.fr").hexdigest())
record = st.tuples(st.sampled_from(TYPED), st.sampled_from(TYPED), st.sampled_from((None, "FR", "BE")))


def asked_for(named: list[str]) -> pl.DataFrame:
    schema = pl.DataFrame(ErasureRequests.create_empty()).schema
    kind = {"@": "email", "0": "phone"}
    rows = [
        {
            **dict.fromkeys(schema),
            "request_id": f"r{value}",
            kind.get("@" if "@" in value else value[0], "customer_id"): value,
            "requested_at": datetime(2024, 6, 1, tzinfo=UTC),
        }
        for value in named
    ]
    return pl.DataFrame(rows, schema=schema)


@given(
    st.lists(record, min_size=1, max_size=7),
    st.lists(st.sampled_from([*ASKED, "c0", "c1"]), min_size=1, max_size=3, unique=True),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_that_requests_meet_are_found_in_pieces_as_among_all(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, records: list[tuple], named: list[str]
) -> None:
    monkeypatch.setattr(pieces, "_ROWS_AT_ONCE", 2)
    schema = pl.DataFrame(CrmCustomers.create_empty()).schema
    typed = [
        {**dict.fromkeys(schema), "customer_id": f"c{number}", "email": email, "phone": phone, "country": country}
        for number, (email, phone, country) in enumerate(records)
    ]
    customers = with_canonical(pl.DataFrame(typed, schema=schema), default_country="FR")
    requests = asked_for(named)
    stones = tombstones(requests, customers.select(schema.names()), networks={"meta": networks()["meta"]}, **COMPARED)
    stones = pl.concat([stones, person_tombstones(requests, KEY)])
    marks = erased_marks(customers, own_tombstones(customers, KEY), stones, **COMPARED)
    marked = marks.select(pl.any_horizontal(pl.all())).to_series()

    warehouse.replace("crm_customers", customers)
    met = met_rows(warehouse, "crm_customers", stones, **COMPARED)

    assert met.rows.select(ADDRESSED).equals(customers.filter(marked).select(ADDRESSED))
    assert met.marks.equals(marks.filter(marked))

    def covered(rows: pl.DataFrame, marks: pl.DataFrame, having: object) -> pl.DataFrame:
        def whole(ids: pl.Series) -> pl.DataFrame:
            return customers.filter(pl.col("customer_id").is_in(ids.implode()))

        joining = Joining()
        found = covered_records(rows, marks, stones, joining=joining, identity_key=KEY, whole=whole, having=having)
        return found.sort(pl.all())

    there = covered(met.rows, met.marks, within(warehouse, "crm_customers"))
    assert there.equals(covered(customers, marks, among(customers)))
