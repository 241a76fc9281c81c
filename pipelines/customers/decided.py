"""`permissions` and `refusals`, worked out for so many people at a time that they need little memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import polars as pl

from catalog.duckdb_connection import insert_frame, literal, store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.ages import too_young
from pipelines.customers.heard import (
    SAID,
    SPOKEN,
    by_phones,
    heard,
    listed,
    refused_by_other_ids,
    refused_by_set_aside,
    refusing,
)
from pipelines.customers.merged_away import listed_by_merged_away, refused_by_merged_away
from pipelines.customers.permissions import ConsentRules, Decisions, barred, decisions, instant_of, said_of_addresses
from pipelines.customers.several_emails import further_emails
from pipelines.customers.suppressed import suppressed_people
from pipelines.identifiers.digests import digest_kinds, prehashed
from pipelines.identifiers.emails import canonical_email
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
    addressed = _said_otherwise(warehouse, rules, by_other_ids, identity_key)
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
    addressed = _said_otherwise(warehouse, rules, refused_by_other_ids(warehouse, rules), identity_key)
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


def _said_otherwise(
    warehouse: Warehouse, rules: ConsentRules, by_other_ids: pl.DataFrame, identity_key: str
) -> pl.DataFrame:
    """person_id, matter, spoken: what is said of people by other than the ids of their records."""
    merged = refused_by_merged_away(warehouse, rules, identity_key)
    by_ids = (frame.select(list(SAID)) for frame in (by_other_ids, merged))
    return pl.concat([_said_of_addresses(warehouse, rules), *by_ids])


def _said_of_addresses(warehouse: Warehouse, rules: ConsentRules) -> pl.DataFrame:
    """person_id, matter, spoken: what was said of the addresses of everybody's records, and what those refuse who were
    set aside with such an address."""
    words = refused_by_set_aside(warehouse, rules)
    statements = warehouse.read(f"{heard(rules)} AND address IS NOT NULL")
    if not statements.is_empty():
        by_digest = by_phones(warehouse.connection, refusing(statements), "warehouse.crm_customers")
        statements = pl.concat([statements, by_digest])
        said = said_of_addresses(
            statements,
            _deciding_records(warehouse, statements["address"]),
            rules,
            lambda numbers: _somebodys(warehouse, numbers),
        )
        words = pl.concat([said.select(words.columns), words])
    if words.is_empty():
        return pl.DataFrame(schema=SAID)
    store_frame(warehouse.connection, "_words", words)
    store_frame(warehouse.connection, "_further", further_emails(warehouse))
    of_phones = "JOIN _words ON canonical_phone = address WHERE starts_with(address, '+')"
    # Where DuckDB does not know beforehand how few these are, it holds all records to join them.
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE _spoken_of AS "
        "SELECT customer_id, matter, spoken FROM warehouse.crm_customers JOIN _words ON canonical_email = address "
        f"UNION ALL SELECT customer_id, matter, spoken FROM warehouse.crm_customers {of_phones} "
        "UNION ALL SELECT customer_id, matter, spoken FROM _further JOIN _words USING (address) WHERE spoken % 4 > 0"
    )
    return warehouse.read(
        "SELECT person_id, matter, spoken FROM _spoken_of JOIN warehouse.customer_records USING (customer_id)"
    )


def _told(refused_by_other_ids: pl.DataFrame) -> tuple[Said, ...]:
    ids = refused_by_other_ids["given"].n_unique()
    says = (
        "People refuse by customer_ids that no customer has as they are written, and one has otherwise (zeros in "
        "front, quotes, .0 behind, a short or long form, an e-mail): {ids}. Those refusals are heard, a grant by such "
        "an id is not: let the selects of customers and consents in sources.toml give the same ids."
    )
    return (Said(says, ids=ids),) if ids else ()


def _deciding_records(warehouse: Warehouse, addresses: pl.Series) -> pl.DataFrame:
    """country, email of everybody's records; of the e-mails only those that decide how one of the addresses is read."""
    digests = addresses.to_frame("address").select(prehashed(pl.col("address")).alias("digest")).drop_nulls()
    store_frame(warehouse.connection, "_digests", digests)
    decides = ["NOT contains(canonical_email, '@')"]
    decides += [f"{how}(canonical_email) IN (FROM _digests)" for how in digest_kinds(digests["digest"])]
    return warehouse.read(
        f"SELECT DISTINCT country_code AS country, CASE WHEN {' OR '.join(decides)} THEN canonical_email END AS email "
        "FROM warehouse.crm_customers"
    )


def _somebodys(warehouse: Warehouse, numbers: pl.Series) -> pl.Series:
    """Those of the numbers (E.164) that somebody has."""
    store_frame(warehouse.connection, "_numbers", numbers.to_frame("canonical_phone"))
    return warehouse.read("FROM _numbers SEMI JOIN warehouse.crm_customers USING (canonical_phone)")["canonical_phone"]


def _barred(warehouse: Warehouse, config: Config, as_of: date, identity_key: str) -> pl.DataFrame:
    """person_id, reason: who is sent to no network whatever they allow."""
    settings, rules = config.settings, config.suppressions
    named = listed(warehouse)
    if not named.is_empty():
        emails = named.select("rule", address=canonical_email(pl.col("address")))
        beside = emails.join(further_emails(warehouse), on="address").with_columns(
            address=pl.lit(None, dtype=pl.String)
        )
        named = pl.concat([named, beside.select(named.columns), listed_by_merged_away(warehouse, identity_key)])
    born = ", birth_date" * (settings.minimum_age is not None)
    if named.is_empty() and not rules and not born:
        return pl.DataFrame(schema={"person_id": pl.String, "reason": pl.String})
    records = warehouse.read(
        "SELECT customer_id, person_id, canonical_email AS email, canonical_phone AS phone, "
        f"country_code AS country{born} "
        "FROM warehouse.customer_records JOIN warehouse.crm_customers USING (customer_id)"
    )
    return barred(too_young(records, settings, as_of=as_of), suppressed_people(records, named, rules, settings))
