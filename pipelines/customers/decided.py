"""`permissions` and `refusals`, worked out for so many people at a time that they need little memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import polars as pl

from catalog.duckdb_connection import insert_frame, literal, store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.ages import too_young
from pipelines.customers.consent_rules import ConsentRules, instant_of
from pipelines.customers.former_addresses import keep_former_addresses
from pipelines.customers.heard import SPOKEN, heard, refused_by_other_ids
from pipelines.customers.permissions import Decisions, barred, decisions
from pipelines.customers.spoken_of import listed_people, said_otherwise
from pipelines.tables.changes import are_noted, begin_notes
from pipelines.tables.intervals import Staying, replace_by
from pipelines.tables.rules import is_made_by, rules_of, set_made_by
from schemas.config import Config
from schemas.said import Said

#: So many people are decided on at a time. All statements are read once for each part.
_AT_ONCE = 2_000_000

#: Above this share of all people, to decide on everybody takes less time.
_MOST = 0.3

#: As DuckDB has `Permissions` and `Refusals`.
_COLUMNS = {
    "permissions": "person_id VARCHAR, network VARCHAR, assumed BOOLEAN, by_other_purpose BOOLEAN",
    "refusals": "person_id VARCHAR, network VARCHAR, reason VARCHAR",
}


def update_permissions(  # noqa: PLR0913 - what decides, the key by which former ids are found, and the days
    warehouse: Warehouse, config: Config, identity_key: str, *, known: bool, as_of: date, kept_days: int
) -> tuple[Said, ...]:
    """Make `permissions` and `refusals` what the statements say of everybody in `customers`, at the end of `as_of` or
    when the newest was made; what is to be told of those. It belongs into one transaction with `update_people`, which
    says what is `known`.

    What the tables held before `as_of` is kept for `kept_days`. What was decided the night before stays if the same
    rules decided it, and nothing that it hangs on is another.
    """
    rules = _rules(warehouse, config, as_of)
    barred_people = _barred(warehouse, config, as_of, identity_key)
    by_other_ids = refused_by_other_ids(warehouse, rules)
    addressed = said_otherwise(warehouse, rules, by_other_ids, identity_key)
    # What else than a person's own records and statements decides, for the night after.
    beside = [barred_people, addressed.select("person_id", reason=pl.lit(None, dtype=pl.String)).unique()]
    store_frame(warehouse.connection, "_beside", pl.concat(beside))
    made_by = rules_of(config.settings, {name: network.consent for name, network in config.used_networks.items()})
    known = known and is_made_by(warehouse, "permissions", made_by) and are_noted(warehouse, "crm_consents")
    known = known and _find_people(warehouse, rules.instant)
    for table, columns in _COLUMNS.items():
        warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _{table} ({columns})")
    for some in ["person_id IN (FROM _asked_again)"] if known else _parts(warehouse):
        for table, rows in _decided(warehouse, rules, some, barred_people, addressed)._asdict().items():
            insert_frame(warehouse.connection, f"_{table}", rows)
    staying = Staying("person_id NOT IN (FROM _asked_again)", may_repeat=False) if known else None
    for table in _COLUMNS:
        replace_by(warehouse, table, f"SELECT * FROM _{table}", day=as_of, kept_days=kept_days, staying=staying)
        warehouse.execute(f"DROP TABLE _{table}")
    warehouse.replace_by("decided_beside", "SELECT * FROM _beside")
    keep_former_addresses(warehouse)
    warehouse.replace_by("decided_at", f"SELECT {literal(rules.instant)} AS instant")
    begin_notes(warehouse, "crm_consents")
    set_made_by(warehouse, "permissions", made_by)
    return _told(by_other_ids)


def refusals_but_for_silence(warehouse: Warehouse, config: Config, as_of: date, identity_key: str) -> pl.DataFrame:
    """`Refusals` of everybody in `customers` of whom a statement says no at the end of `as_of`, or a suppression list,
    or their age: of whoever may not be sent, those who would not be sent either if silence were a yes.

    A night that cannot trust its consents asks for them: whose statements are lacking has said nothing.
    """
    rules = replace(_rules(warehouse, config, as_of), silence_allows=True)
    barred_people = _barred(warehouse, config, as_of, identity_key)
    addressed = said_otherwise(warehouse, rules, refused_by_other_ids(warehouse, rules), identity_key)
    parts = [_decided(warehouse, rules, some, barred_people, addressed).refusals for some in _parts(warehouse)]
    return pl.concat(parts)


def _rules(warehouse: Warehouse, config: Config, as_of: date) -> ConsentRules:
    newest = warehouse.read("SELECT max(captured_at) AS newest FROM warehouse.crm_consents")["newest"].item()
    return ConsentRules(config.used_networks, config.settings, instant_of(newest, config.settings, as_of))


def _find_people(warehouse: Warehouse, instant: datetime) -> bool:
    """Put into `_asked_again` of whom anything else may be decided than the night before; False if they are too many.

    Who has an address that is or was spoken of is always among them: how it is read hangs on everybody.
    """
    before = warehouse.read("SELECT instant FROM warehouse.decided_at")["instant"].item()
    warehouse.execute(
        """
        CREATE OR REPLACE TEMP TABLE _asked_again AS FROM _touched
        UNION SELECT person_id FROM warehouse.customer_records SEMI JOIN (
            SELECT customer_id FROM warehouse.changed_crm_consents UNION ALL
            SELECT customer_id FROM warehouse.crm_consents
            WHERE (valid_from > $earlier AND valid_from <= $later) OR (valid_to > $earlier AND valid_to <= $later)
        ) USING (customer_id)
        UNION SELECT person_id FROM _beside WHERE reason IS NULL
        UNION SELECT person_id FROM (FROM warehouse.decided_beside EXCEPT FROM _beside)
        UNION SELECT person_id FROM (FROM _beside EXCEPT FROM warehouse.decided_beside)
        """,
        earlier=min(before, instant),
        later=max(before, instant),
    )
    few = f"(SELECT count(*) FROM _asked_again) <= {_MOST} * (SELECT count(*) FROM warehouse.customers)"
    return warehouse.read(f"SELECT {few}").item()


def _parts(warehouse: Warehouse) -> list[str]:
    """SQL conditions on people, each of which few meet and one of which everybody does."""
    parts = warehouse.height("customers") // _AT_ONCE + 1
    return [f"hash(person_id) % {parts} = {part}" for part in range(parts)]


def _decided(
    warehouse: Warehouse, rules: ConsentRules, some: str, barred_people: pl.DataFrame, addressed: pl.DataFrame
) -> Decisions:
    """What is decided on the people who meet an SQL condition."""
    theirs = f"(SELECT rowid AS record, customer_id, person_id FROM warehouse.customer_records WHERE {some})"
    return decisions(
        # Numbers are joined in less time and memory than the ids that they stand for.
        warehouse.read(f"SELECT record AS customer_id, person_id FROM {theirs}"),
        warehouse.read(f"SELECT person_id, country FROM warehouse.customers WHERE {some}"),
        warehouse.read(
            f"SELECT record AS customer_id, {SPOKEN} FROM ({heard(rules)}) JOIN {theirs} USING (customer_id)"
        ),
        rules,
        barred=barred_people,
        addressed=addressed,
        elsewhere=warehouse.read(f"""
            SELECT DISTINCT person_id, country_code AS country
            FROM (SELECT person_id, country FROM warehouse.customers WHERE records > 1 AND {some}) AS person
            JOIN warehouse.customer_records USING (person_id)
            JOIN warehouse.crm_customers USING (customer_id)
            WHERE country_code <> person.country
        """),
    )


def _told(refused_by_other_ids: pl.DataFrame) -> tuple[Said, ...]:
    ids = refused_by_other_ids["given"].n_unique()
    says = (
        "People refuse by customer_ids that no customer has as they are written, and one has otherwise (zeros in "
        "front, quotes, .0 behind, a short or long form, an e-mail): {ids}. Those refusals are heard, a grant by such "
        "an id is not: let the selects of customers and consents in sources.toml give the same ids."
    )
    return (Said(says, ids=ids),) if ids else ()


def _barred(warehouse: Warehouse, config: Config, as_of: date, identity_key: str) -> pl.DataFrame:
    """person_id, reason: who is sent to no network whatever they allow."""
    named = listed_people(warehouse, config, identity_key)
    if config.settings.minimum_age is None:
        return named
    records = warehouse.read(
        "SELECT person_id, country_code AS country, birth_date "
        "FROM warehouse.customer_records JOIN warehouse.crm_customers USING (customer_id)"
    )
    return barred(too_young(records, config.settings, as_of=as_of), named)
