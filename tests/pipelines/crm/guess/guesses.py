"""Guesses made of tables given as columns, and of files."""

from __future__ import annotations

from pathlib import Path

import duckdb

from catalog.duckdb_connection import connect
from catalog.home import Home
from pipelines.crm.guess.columns import matches
from pipelines.crm.guess.files import Found, FoundTable, found_in, quoted
from pipelines.crm.guess.tables import Guess, guessed

PEOPLE = {
    "id": ["1", "2", "3"],
    "email": ["a@example.org", "b@example.org", "c@example.org"],
    "first_name": ["Ann", "Bo", "Cy"],
}


ORDERS = {
    "id": ["10", "11", "12"],
    "customer_id": ["1", "1", "2"],
    "order_date": ["2024-01-31", "2024-02-01 10:00:00", "2024-02-02T10:00:00Z"],
    "total": ["10.00", "12.50", "-3.00"],
    "currency": ["EUR", "EUR", "EUR"],
    "status": ["completed", "refunded", "pending"],
}


def columns(table: str, *names: str, **values: list[str | None]) -> dict[str, str]:
    """Contract column → source column, for columns without values and with."""
    found = matches(table, {**dict.fromkeys(names, ()), **values})  # type: ignore[arg-type]
    return {column: match.name for column, match in found.items()}


def guess(**tables: dict[str, list[str | None]]) -> Guess:
    """The guess for tables given as columns."""
    found = [
        FoundTable(name, f"{name}.csv", name, {column: tuple(values) for column, values in table.items()})
        for name, table in tables.items()
    ]
    return guessed(Found({}, tuple(found)))


def lines(made: Guess, table: str) -> dict[str, str]:
    """Contract column → SQL of the active lines."""
    return {line.column: line.sql for line in made.selects[table].lines if line.active}  # type: ignore[index]


def files(folder: Path, *names: str) -> Found:
    connection = connect(Home.at(folder / "home"), "1GB")
    try:
        return found_in([folder / name for name in names], connection, folder / "config")
    finally:
        connection.close()


def read_orders(made: Guess, orders: dict[str, list[str | None]], *wanted: str) -> list[tuple[object, ...]]:
    """The orders as the guessed select reads their columns."""
    names = ", ".join(quoted(name) for name in orders)
    chosen = ", ".join(lines(made, "orders")[column] for column in wanted)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE given ({', '.join(f'{quoted(name)} VARCHAR' for name in orders)})")
        connection.executemany(
            f"INSERT INTO given ({names}) VALUES ({', '.join('?' * len(orders))})",
            [list(row) for row in zip(*orders.values(), strict=True)],
        )
        return connection.sql(f"SELECT {chosen} FROM given").fetchall()
