"""Erased people's rows taken out of every table of the warehouse, whatever tables there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.rewrite import let_rewrite_wait, rewrite_is_noted
from catalog.warehouse import Warehouse
from pipelines.at_once import at_once
from pipelines.crm.strangers import strangers
from pipelines.customers.people import person_ids
from pipelines.erasure.applied import note_applied
from pipelines.erasure.forgetting import forget_refused_keys
from pipelines.erasure.taking_out import change_rows, delete_rows
from pipelines.erasure.until_read import FORGOTTEN
from pipelines.erasure.urgent import Urgent, Waiting
from pipelines.identifiers.stored import forget_unused_digests
from pipelines.pieces import in_pieces, picked
from pipelines.tables.changes import note
from pipelines.tombstones.erased import (
    erased_addresses,
    erased_values,
    has_tombstone,
    without_erased,
)
from pipelines.tombstones.met import ADDRESSED, Met, met_rows
from pipelines.tombstones.others import keep_for_others
from pipelines.tombstones.tombstones import Compared
from pipelines.tombstones.withheld import keep_for_holders, suppressed_by_domain, withheld_addresses
from schemas.crm import WithheldAddresses
from schemas.identifiers import MatchColumn
from schemas.suppression import Suppression

#: Has nearly every customer id, once.
_CUSTOMERS = "crm_customers"


def purge(  # noqa: PLR0913 - what was erased, and how it is compared and kept from others
    warehouse: Warehouse,
    erasures: pl.DataFrame,
    match_columns: Iterable[MatchColumn],
    compared: Compared,
    *,
    rules: Mapping[str, Suppression],
    waiting: Waiting,
    customers: Met | None,
) -> None:
    """Delete the rows of erased records and of people who have no record left, and blank erased addresses.

    Tables are known by their columns: customer_id, person_id, e-mails and phones as `crm_customers` has them, address,
    and match columns. In: erasures (`CrmErasures`), of which those that stand count. What was refused for an erased
    address, or a list or one of the suppression `rules` says of it, is kept for those who stay, as a night keeps it.
    What stands counts as applied afterwards, and if any row went or changed, a rewrite as due, or as `waiting` says if
    all such rows are of those erasures. `customers` is what `met_rows` gives of `crm_customers`, if that is known.
    """
    tables = _columns(warehouse)
    identity_key = compared.identity_key
    erasures = erasures.filter(pl.col("lifted_at").is_null())
    asked = set(erasures["form"])
    urgent = Urgent(erasures, waiting, compared)
    noted = rewrite_is_noted(warehouse)
    with warehouse.transaction():
        identified = _height(warehouse, tables, "identifiers")
        known = {} if customers is None else {_CUSTOMERS: customers}
        met = {
            table: known.get(table) or met_rows(warehouse, f"warehouse.{table}", erasures, compared)
            for table in _addressed(tables)
        }
        gone = _erased_ids(warehouse, tables, met, erasures, identity_key)
        urgent.look_for(gone, "customer_id")
        for found in met.values():
            urgent.look_for_rows(found.rows)
        held = [_blank_addresses(warehouse, table, found, compared) for table, found in met.items()]
        withheld = pl.concat([pl.DataFrame(WithheldAddresses.create_empty()), *held]).unique()
        # Statements before the rest of whom they name, and after it is known who stays.
        for table, columns in tables.items():
            if {"customer_id", "address"} <= columns:
                keep_for_holders(warehouse.connection, f"warehouse.{table}", withheld, _living(tables), compared)
                erased = _erased_addresses(warehouse, table, erasures, compared)
                urgent.look_for_addresses(erased)
                _drop_statements(warehouse, table, gone, erased, _living(tables), compared.default_country)
        if "crm_suppressions" in tables:
            warehouse.append("crm_suppressions", suppressed_by_domain(withheld, rules, identity_key))
        _erase_people(warehouse, tables, gone, identity_key)
        _delete(warehouse, tables, "customer_id", gone)
        forms = [column.name for column in match_columns if column.kind != "mailing_address" and column.name in asked]
        for table, columns in tables.items():
            theirs = [form for form in forms if form in columns]
            for form, erased in _erased_hashes(warehouse, table, theirs, erasures, identity_key).items():
                urgent.look_for(erased, form)
                if "person_id" in columns:
                    _note_people(warehouse, f"warehouse.{table}", form, erased)
                _delete(warehouse, {table: columns}, form, erased)
        if identified != _height(warehouse, tables, "identifiers"):
            forget_unused_digests(warehouse)
        urgent.look_for(forget_refused_keys(warehouse, erasures, identity_key), *asked)
        note_applied(warehouse, "rows", erasures)
        if not (noted or urgent.are_met):
            let_rewrite_wait(warehouse, waiting.until)


def _columns(warehouse: Warehouse) -> dict[str, set[str]]:
    """The columns of each table; what is kept until the customers are read goes with them."""
    found = warehouse.read(
        "SELECT table_name, column_name FROM duckdb_columns() "
        f"WHERE database_name = 'warehouse' AND table_name <> '{FORGOTTEN}'"
    )
    named = found.group_by("table_name").agg("column_name").sort("table_name")
    return {table: set(columns) for table, columns in named.iter_rows()}


def _height(warehouse: Warehouse, tables: dict[str, set[str]], table: str) -> int:
    return warehouse.height(table) if table in tables else 0


def _erased_ids(
    warehouse: Warehouse,
    tables: dict[str, set[str]],
    met: dict[str, Met],
    erasures: pl.DataFrame,
    identity_key: str,
) -> pl.Series:
    """The ids that have a tombstone, of whatever table: of whoever is no customer, an order may be left."""
    holding = {table for table, columns in tables.items() if "customer_id" in columns}
    found = [pl.Series("customer_id", [], dtype=pl.String)]
    if not holding or "customer_id" not in set(erasures["form"]):
        return found[0]
    found += [rows.filter(marks["customer_id"])["customer_id"] for rows, marks in met.values()]
    others = [f"warehouse.{table}" for table in sorted(holding - {_CUSTOMERS})]
    if others:
        customers = f"warehouse.{_CUSTOMERS}" if _CUSTOMERS in holding else "(SELECT NULL AS customer_id WHERE FALSE)"
        ids = strangers(warehouse.read, others, customers)
        found.append(erased_values(ids, "customer_id", erasures, identity_key))
    return pl.concat(found).unique()


def _erased_hashes(
    warehouse: Warehouse, table: str, columns: list[str], erasures: pl.DataFrame, identity_key: str
) -> dict[str, pl.Series]:
    """The values of each of the match columns that have a tombstone."""
    found = {column: [pl.Series("value", [], dtype=pl.String)] for column in columns}

    def look(piece: pl.DataFrame, column: str) -> None:
        values = piece.select(value=column).drop_nulls()
        erased = has_tombstone(values["value"], column, erasures, identity_key)
        found[column].append(picked(values.filter(erased))["value"])

    if columns:
        held = f"SELECT {', '.join(columns)} FROM {{}}"
        for piece in in_pieces(warehouse.read, f"warehouse.{table}", held.format):
            at_once(partial(look, piece), columns)
    return {column: pl.concat(values).unique() for column, values in found.items()}


def _erase_people(warehouse: Warehouse, tables: dict[str, set[str]], gone: pl.Series, identity_key: str) -> None:
    """Rows of the people whose every record is gone."""
    if gone.is_empty() or "customer_records" not in tables:
        return
    store_frame(warehouse.connection, "_gone", gone.to_frame("customer_id"))
    theirs = warehouse.read(
        "SELECT DISTINCT person_id FROM warehouse.customer_records SEMI JOIN _gone USING (customer_id)"
    )
    people = pl.concat([theirs["person_id"], person_ids(gone, identity_key).rename("person_id")]).unique()
    store_frame(warehouse.connection, "_theirs", people.to_frame())
    left = warehouse.read(
        "SELECT DISTINCT person_id FROM warehouse.customer_records ANTI JOIN _gone USING (customer_id) "
        "SEMI JOIN _theirs USING (person_id)"
    )
    # Of whoever has a record left, what is kept beside it came from both.
    note(warehouse, "customer_records", "FROM warehouse.customer_records SEMI JOIN _gone USING (customer_id)")
    people = people.filter(~people.is_in(left["person_id"].implode()))
    for column in ("person_id", "alias", "own_id"):
        _delete(warehouse, tables, column, people)


def _note_people(warehouse: Warehouse, table: str, column: str, values: pl.Series) -> None:
    """Whose rows of `table` have one of the values in `column`: what is left of theirs is to be worked out again."""
    if not values.is_empty():
        store_frame(warehouse.connection, "_gone", values.to_frame("value"))
        note(warehouse, "customer_records", f'FROM {table} WHERE "{column}" IN (SELECT value FROM _gone)')


def _delete(warehouse: Warehouse, tables: dict[str, set[str]], column: str, values: pl.Series) -> None:
    if values.is_empty():
        return
    store_frame(warehouse.connection, "_gone", values.to_frame("value"))
    for table, columns in tables.items():
        if column in columns:
            delete_rows(warehouse, table, f'"{column}" IN (SELECT value FROM _gone)')


def _blank_addresses(warehouse: Warehouse, table: str, met: Met, compared: Compared) -> pl.DataFrame:
    """As `without_erased` says, row by row; `WithheldAddresses` of those who stay."""
    rows, marks = met
    kept = without_erased(rows, marks)["place"]
    for column in ("email", "phone"):
        blanked = rows.filter(marks[column])["place"]
        store_frame(warehouse.connection, "_blanked", blanked.to_frame("place"))
        change = f"{column} = NULL, canonical_{column} = NULL"
        change_rows(warehouse, table, change, "rowid IN (SELECT place FROM _blanked)")
    lost = rows.filter(~rows["place"].is_in(kept.implode()))["place"]
    touched = rows.filter(marks["email"] | marks["phone"]).select("customer_id")
    store_frame(warehouse.connection, "_touched", touched)
    note(warehouse, "crm_customers", "FROM _touched")
    # What was said of such an address stays as said of its holder's record.
    note(warehouse, "crm_consents", "FROM _touched")
    store_frame(warehouse.connection, "_blanked", lost.to_frame("place"))
    delete_rows(warehouse, table, "rowid IN (SELECT place FROM _blanked)")
    withheld = withheld_addresses(rows, marks, compared)
    return withheld.join(rows.filter(pl.col("place").is_in(kept.implode())), on="customer_id", how="semi")


def _addressed(tables: dict[str, set[str]]) -> list[str]:
    return [table for table, columns in tables.items() if set(ADDRESSED) <= columns]


def _living(tables: dict[str, set[str]]) -> str:
    """A query for the customers who stay, today's and earlier days', after the erased were taken out."""
    columns = "canonical_email, canonical_phone, country"
    parts = [f"SELECT {columns} FROM warehouse.{table}" for table in _addressed(tables)]
    nobody = f"SELECT {', '.join(f'NULL::VARCHAR AS {name}' for name in columns.split(', '))} WHERE FALSE"
    return f"({' UNION ALL '.join(parts or [nobody])})"


def _erased_addresses(warehouse: Warehouse, table: str, erasures: pl.DataFrame, compared: Compared) -> pl.Series:
    """The addresses in statements that may be erased ones, as typed."""
    said = warehouse.read(f"SELECT DISTINCT address FROM warehouse.{table} WHERE address IS NOT NULL")["address"]
    return erased_addresses(said, erasures, compared)


def _drop_statements(  # noqa: PLR0913, PLR0917 - a table, who goes and who stays
    warehouse: Warehouse, table: str, gone: pl.Series, erased: pl.Series, living: str, default_country: str | None
) -> None:
    """A statement by an erased address goes; one that names a record too keeps only that. What they say of addresses
    of the living stays, under those.
    """
    store_frame(warehouse.connection, "_gone_ids", gone.to_frame("value"))
    store_frame(warehouse.connection, "_gone_addresses", erased.to_frame("value"))
    by_address = "address IN (SELECT value FROM _gone_addresses)"
    keep_for_others(
        warehouse.connection,
        f"warehouse.{table}",
        f"{by_address} OR customer_id IN (SELECT value FROM _gone_ids)",
        living,
        default_country=default_country,
    )
    delete_rows(warehouse, table, f"{by_address} AND customer_id IS NULL")
    change_rows(warehouse, table, "address = NULL", by_address)
