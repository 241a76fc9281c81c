"""Night after night: the tables hold what the kernels give of all records, whatever was there before."""

from __future__ import annotations

import hashlib
from dataclasses import replace as replace_fields
from datetime import UTC, date, datetime, timedelta
from unittest.mock import patch

import dataframely as dy
import polars as pl
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.warehouse import Warehouse
from pipelines import pieces
from pipelines.customers import decided
from pipelines.customers.consent_rules import ConsentRules, instant_of
from pipelines.customers.customers import customers, person_aliases
from pipelines.customers.decided import update_permissions
from pipelines.customers.nightly import update_people
from pipelines.customers.people import people
from pipelines.customers.permissions import decisions, said_of_addresses
from pipelines.customers.records import canonical_records
from pipelines.customers.statements import holders, newest_refusals
from pipelines.customers.suppressed import suppressed_people
from pipelines.identifiers.canonical import with_canonical
from pipelines.identifiers.ids.otherwise import other_forms
from pipelines.tables.changes import begin_notes
from pipelines.tables.intervals import replace
from schemas.config import read_config
from schemas.crm import CanonicalCustomers, CrmConsents, CrmCustomers, CrmSuppressions
from schemas.customers import CustomerRecords, PersonAliases
from schemas.settings import Assumption, Joining, Settings
from schemas.suppression import Suppression
from tests.processes import ROOT

KEY = "a1" * 32
JOINING = Joining(shared_by_more_than=3)
FIRST = date(2025, 7, 1)
TABLES = (
    "crm_suppressions", "customers", "person_aliases", "history_begins", "made_by", "changed_crm_consents",
    "changed_joining",
    *(f"{kept}{table}" for table in ("crm_customers", "crm_consents", "customer_records", "permissions", "refusals")
      for kept in ("", "past_", "new_")),
)  # fmt: skip
#: Networks that ask for consent here and not there.
CONFIG = replace_fields(
    read_config(ROOT / "config"),
    suppressions={"staff": Suppression(title="Staff", domains=("y.fr",))},
    settings=Settings(currency="EUR", default_country="FR", assume={"BE": Assumption(ads_upload=True)}),
)

record = st.fixed_dictionaries(
    {
        "email": st.sampled_from([None, "a@x.fr", "b@x.fr", "none@none.com", *(f"{name}@y.fr" for name in "cdefgh")]),
        "phone": st.sampled_from([None, None, "0612345678", "0612345679", "0612"]),
        "first_name": st.sampled_from([None, "Anna", "ANNA", "Bob"]),
        "last_name": st.sampled_from([None, "Doe", "Roe"]),
        "country": st.sampled_from([None, "FR", "BE"]),
        "created_at": st.sampled_from([None, *(datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3))]),
        "updated_at": st.sampled_from([None, datetime(2025, 1, 1, tzinfo=UTC)]),
    }
)
crm = st.dictionaries(st.sampled_from("abcdefghijkl"), record, max_size=12)
#: What of the CRM is another the next night.
changes = st.dictionaries(st.sampled_from("abcdefghijkl"), st.none() | record, max_size=3)


def read_crm(warehouse: Warehouse, rows: dict[str, dict[str, object]], day: date) -> pl.DataFrame:
    """Make the rows `crm_customers`; they are few among many who have nothing in common with anybody."""
    typed = pl.DataFrame(
        [{"customer_id": name, **row} for name, row in {**OTHERS, **rows}.items()],
        schema=dict(CrmCustomers.create_empty().schema),
    )
    canonical = with_canonical(typed, default_country="FR").select(CanonicalCustomers.column_names())
    with warehouse.transaction():
        replace(warehouse, "crm_customers", canonical, day=day, kept_days=3)
    return canonical


OTHERS: dict[str, dict[str, object]] = {f"x{number:02}": {"email": f"x{number:02}@z.fr"} for number in range(40)}


def same_rows(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    return one.sort(pl.all()).equals(other.select(one.columns).sort(pl.all()))


statement = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["granted", "granted", "denied"]),
        "purpose": st.sampled_from(["ads_upload", "ads_personalization", "profiling"]),
        "network": st.sampled_from([None, "meta"]),
        "captured_at": st.sampled_from([datetime(2025, 1, day, tzinfo=UTC) for day in (1, 2)]),
        "valid_from": st.sampled_from([None, None, datetime(2025, 7, 2, 12, tzinfo=UTC)]),
        "valid_to": st.sampled_from([None, None, datetime(2025, 7, 3, 12, tzinfo=UTC)]),
    }
)
#: Of an e-mail that some records have.
DIGEST = hashlib.md5(b"d@y.fr").hexdigest()
about = st.builds(
    lambda whom, said: whom | said,
    st.sampled_from([
        *({"customer_id": name} for name in ("a", "b", "c", "x00", "'a", '="c"')),
        *({"address": address} for address in ("a@x.fr", "c@y.fr", "x01@z.fr", "0612345678", "0479123456", DIGEST)),
    ]),
    statement,
)  # fmt: skip
consents = st.lists(about, max_size=8)
suppressed = st.lists(
    st.sampled_from([{"customer_id": "a", "rule": "staff"}, {"address": "x02@z.fr", "rule": "staff"}]), max_size=1
)


def given_rows(schema: type[dy.Schema], rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(schema.create_empty().schema))


def grants(whom: dict[str, object], **changes: object) -> list[dict[str, object]]:
    """A yes to both purposes; the changes are of the first."""
    one = {
        "status": "granted",
        "purpose": "ads_upload",
        "network": None,
        "captured_at": datetime(2025, 1, 1, tzinfo=UTC),
    }
    return [{**whom, **one, **changes}, {**whom, **one, "purpose": "ads_personalization"}]


def on(name: str) -> dict[str, object]:
    return {"customer_id": name}


def by(name: str) -> dict[str, object]:
    return {"address": f"{name}@z.fr"}


#: One of each cause for which somebody of no new record may be sent or not. The third is no yes, to be forgotten.
SPOKEN = [
    *grants(by("x01")),
    {**grants(on("x09"))[0], "purpose": "profiling"},
    *grants(on("x02"), valid_from=datetime(2025, 7, 2, 12, tzinfo=UTC)),
    *grants(on("x03"), valid_to=datetime(2025, 7, 3, 12, tzinfo=UTC)),
    *(row for number in range(4, 9) for row in grants(on(f"x0{number}"))),
    grants({"address": hashlib.sha1(b"x08@z.fr").hexdigest()}, status="denied")[0],
]
#: x06 takes the yes back, and x07 does by their address; x01's is forgotten, x02's begins and x03's ends.
THEN = [*SPOKEN[:11], {**SPOKEN[11], "status": "denied"}, *SPOKEN[12:], grants(by("x07"), status="denied")[0]]
LIST = {name: [{"address": f"{name}@z.fr", "rule": "staff"}] for name in ("x04", "x05")}


def said_otherwise(statements: pl.DataFrame, records: pl.DataFrame, rules: ConsentRules) -> pl.DataFrame:
    """person_id, matter, spoken: by address, and refusals by ids that are written otherwise."""
    by_address = said_of_addresses(statements, records, rules).join(holders(records, "person_id"), on="address")
    strangers = statements.filter(~pl.col("customer_id").is_in(records["customer_id"].implode()))
    whose = other_forms(strangers["customer_id"].unique(), pl.Series([], dtype=pl.UInt32)).join(
        records, on="customer_id"
    )
    by_id = newest_refusals(strangers, rules.matters, rules.instant).join(whose, on="given")
    columns = ["person_id", "matter", "spoken"]
    return pl.concat([by_address.select(columns), by_id.select(columns)])


@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(first={}, nights=[({}, SPOKEN, LIST["x04"], 2), ({}, THEN, LIST["x05"], 0), ({}, [], LIST["x05"], 0)])
@given(first=crm, nights=st.lists(st.tuples(changes, consents, suppressed, st.integers(0, 4)), min_size=2, max_size=3))
def test_whatever_changes_the_tables_are_those_of_everybody_worked_out_together(
    warehouse: Warehouse,
    first: dict[str, dict[str, object]],
    nights: list[tuple[dict[str, dict[str, object] | None], list[dict[str, object]], list[dict[str, object]], int]],
) -> None:
    for table in TABLES:
        warehouse.execute(f"DROP TABLE IF EXISTS warehouse.{table}")
    rows, said, aliases = dict(first), dict[int, dict[str, object]](), pl.DataFrame(PersonAliases.create_empty())
    for night, (changed, spoken, named, forgotten) in enumerate(nights):
        day = FIRST + timedelta(days=night)
        rows = {name: row for name, row in {**rows, **changed}.items() if row is not None}
        said = {number: row for number, row in {**said, **dict(enumerate(spoken))}.items() if number != forgotten}
        canonical = read_crm(warehouse, rows, day)
        statements = given_rows(CrmConsents, [{"record_id": str(number), **row} for number, row in said.items()])
        suppressions = given_rows(CrmSuppressions, named)
        with warehouse.transaction():
            replace(warehouse, "crm_consents", statements, day=day, kept_days=3)
            warehouse.replace("crm_suppressions", suppressions)
        # Identifiers may be worked out at any time, and empty their own notes.
        begin_notes(warehouse)
        if forgotten == 4 and warehouse.has("made_by"):
            warehouse.execute("DELETE FROM warehouse.made_by")
        with patch.object(pieces, "_ROWS_AT_ONCE", 7), patch.object(decided, "_AT_ONCE", 20), warehouse.transaction():
            known = update_people(warehouse, JOINING, identity_key=KEY, as_of=day, kept_days=3)
            update_permissions(warehouse, CONFIG, KEY, known=known, as_of=day, kept_days=3)

        records = people(canonical_records(canonical, JOINING), JOINING, identity_key=KEY)
        aliases = person_aliases(aliases, records, as_of=day)
        instant = instant_of(statements["captured_at"].max(), CONFIG.settings, day)
        rules = ConsentRules(CONFIG.used_networks, CONFIG.settings, instant)
        words = decisions(
            records,
            customers(records),
            statements,
            rules,
            barred=suppressed_people(records, suppressions, CONFIG.suppressions, CONFIG.settings),
            addressed=said_otherwise(statements, records, rules),
        )
        for table, wanted in {
            "customer_records": records.select(CustomerRecords.column_names()),
            "customers": customers(records),
            "person_aliases": aliases,
            **words._asdict(),
        }.items():
            assert same_rows(warehouse.read(f"FROM warehouse.{table}"), wanted), table
