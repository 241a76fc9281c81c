"""Found tables → which of them are our five, and the selects that make them so; consent is never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pipelines.crm.guess.columns import Match, contradicted, matches
from pipelines.crm.guess.faults import fault_of, kinds_of_requests
from pipelines.crm.guess.files import Found, FoundTable, quoted
from pipelines.crm.guess.links import by_the_same_name, linked
from pipelines.crm.guess.names import kind, may_list_suppressions, rank, words
from pipelines.crm.guess.orders import orders_select
from pipelines.crm.guess.selects import plain_select
from pipelines.crm.guess.shapes import is_nested
from pipelines.crm.guess.writer import Select
from schemas.errors import ConfigError
from schemas.source import TableName

#: How a select takes a part of what is nested.
PARTS = (
    "address ->> '$.city' of JSON; of Parquet and DuckDB (emails::VARCHAR[])[1] of a list, and of a structure, with "
    "all its fields, (address::STRUCT(city VARCHAR, zip VARCHAR)).city"
)

#: What a matched column counts for when several tables could be the same one; others count 1.
_WEIGHTS: dict[TableName, dict[str, int]] = {
    "customers": {"email": 5, "phone": 3, "customer_id": 2},
    "orders": {"amount": 4, "ordered_at": 4, "customer_id": 4, "status": 2},
}
#: What a table's own name counts for.
_NAMED = 6


@dataclass(frozen=True)
class Guess:
    """What `relance init` writes down."""

    found: Found
    selects: dict[TableName, Select]
    #: A table whose name fits and whose columns do not, and why.
    unfit: dict[TableName, tuple[Select, str]]
    #: Source columns whose name says one thing and whose values another, by our table.
    contradicted: dict[TableName, dict[str, str]]

    @property
    def not_used(self) -> list[FoundTable]:
        """Tables that no select reads."""
        used = [id(select.found) for select in self.selects.values()]
        return [table for table in self.found.tables if id(table) not in used]

    @property
    def suppressions(self) -> list[FoundTable]:
        """Tables that list whom not to upload, by their names."""
        return [table for table in self.found.tables if kind(table.name) == "suppressions"]

    @property
    def perhaps_suppressions(self) -> list[FoundTable]:
        """Tables that no select reads and that list whom not to upload, or tidied data."""
        return [each for each in self.not_used if kind(each.name) == "customers" and may_list_suppressions(each.name)]

    @property
    def alike(self) -> dict[TableName, list[FoundTable]]:
        """Tables that no select reads and that have all columns of one that is read, by our table."""
        lists = [id(table) for table in (*self.suppressions, *self.perhaps_suppressions)]
        free = [table for table in self.not_used if id(table) not in lists]
        likes: dict[TableName, list[FoundTable]] = {
            name: [table for table in free if table.columns.keys() >= select.found.columns.keys()]
            for name, select in self.selects.items()
        }
        return {name: tables for name, tables in likes.items() if tables}

    @property
    def could_be(self) -> dict[TableName, list[FoundTable]]:
        """Other tables that no select reads and that could be one that is read, by our table."""
        told = [id(table) for tables in (*self.alike.values(), self.perhaps_suppressions) for table in tables]
        free = [table for table in self.not_used if id(table) not in told]
        could: dict[TableName, list[FoundTable]] = {
            name: [table for table in free if kind(table.name) in {name, None} and _candidate(name, table) is not None]
            for name in self.selects
        }
        return {name: tables for name, tables in could.items() if tables}

    @property
    def amounts_elsewhere(self) -> list[tuple[str, str, str]]:
        """Where a table of lines or payments could give orders the amount they lack: title, order's id, amount."""
        places = []
        for table in self.not_used:
            amounts = [name for name in table.columns if rank("orders", "amount", name) is not None]
            links = [name for name in table.columns if kind(name) == "orders" and words(name)[-1] == "id"]
            places += [(table.title, links[0], amounts[0])] if links and amounts else []
        return places


@dataclass(frozen=True)
class _Candidate:
    found: FoundTable
    matched: dict[str, Match]
    score: float
    #: Columns of orders that may all say who bought.
    several: tuple[str, ...] = ()


def guessed(found: Found) -> Guess:
    """The five tables among those found; those that are not there are left out.

    Raises:
        ConfigError: no table looks like customers.
    """
    chosen = _chosen(found.tables)
    if "customers" not in chosen:
        tables = ", ".join(table.title for table in found.tables)
        lists = ", ".join(table.title for table in found.tables if kind(table.name) == "suppressions")
        why = f" By name, {lists} lists whom not to upload; rename what holds customers." if lists else ""
        why += _nested(found.tables)
        why += "".join(f" {each.title} cannot be read: {each.unreadable}." for each in found.tables if each.unreadable)
        msg = (
            f"None of {tables} looks like customers: rows with an id or an e-mail, and an e-mail, a phone or a name."
            f"{why} Give the export of your contacts too, or run `relance init` without files and write the select "
            "yourself."
        )
        raise ConfigError(msg)
    customers = plain_select("customers", chosen["customers"].found, chosen["customers"].matched)
    if may_list_suppressions(customers.found.name):
        doubt = (
            f"customers: by its name {customers.found.title} may hold the addresses that a mailing took out since they "
            "bounced; if so, declare it as suppressions, and give the file of customers"
        )
        customers = replace(customers, decide=(doubt, *customers.decide))
    selects: dict[TableName, Select] = {"customers": customers}
    unfit: dict[TableName, tuple[Select, str]] = {}
    for table, candidate in chosen.items():
        fault = fault_of(table, candidate.found, candidate.matched)
        if table == "orders":
            taken = [id(each.found) for each in chosen.values()]
            others = [each for each in found.tables if id(each) not in taken]
            selects[table] = orders_select(candidate.found, candidate.matched, customers, others, candidate.several)
        elif fault is not None:
            select = plain_select(table, candidate.found, candidate.matched)
            kinds = kinds_of_requests(table, candidate.found, candidate.matched)
            where = f"{quoted(kinds)} = 'your word for them'" if kinds is not None else None
            unfit[table] = (replace(select, where=where), fault)
        elif table != "customers":
            selects[table] = plain_select(table, candidate.found, candidate.matched)
    unfit |= _named_in_vain(found.tables, chosen)
    against: dict[TableName, dict[str, str]] = {
        table: contradicted(table, candidate.found.columns, candidate.matched) for table, candidate in chosen.items()
    }
    return Guess(found, selects, unfit, against)


def _nested(tables: Iterable[FoundTable]) -> str:
    """That customers may lie in lists or structures, and what to do about it."""
    nested = {
        table.title: [name for name, values in table.columns.items() if is_nested(values)]
        for table in tables
        if kind(table.name) in {"customers", None}
    }
    every = ", ".join(f"{' and '.join(names)} of {title}" for title, names in nested.items() if names)
    if not every:
        return ""
    return (
        f" Columns of lists or structures, into which init does not look: {every}. Export their parts as columns, or "
        f"take them in a select of your own: {PARTS}."
    )


def _chosen(tables: Iterable[FoundTable]) -> dict[TableName, _Candidate]:
    """The best candidate for each of ours; each found table is one. Without other customers, orders may be they."""
    chosen: dict[TableName, _Candidate] = {}
    free = list(tables)
    for table in ("erasures", "consents", "visits", "orders", "customers"):
        candidates = [candidate for found in free if (candidate := _candidate(table, found)) is not None]
        if candidates:
            chosen[table] = max(_sure(table, candidates), key=lambda candidate: candidate.score)
            free.remove(chosen[table].found)
    orders = chosen.get("orders")
    spending = None if orders is None or "customers" in chosen else _candidate("customers", orders.found)
    if spending is not None:
        del chosen["orders"]
        chosen["customers"] = spending
    if "customers" in chosen:
        _link(chosen, free)
    return chosen


def _link(chosen: dict[TableName, _Candidate], free: list[FoundTable]) -> None:
    """Orders with whose they are; where none were chosen, the best of those that lacked only that."""
    customers, orders = chosen["customers"], chosen.get("orders")
    if orders is not None and {"customer_id"} <= orders.matched.keys() & customers.matched.keys():
        own, named = customers.matched["customer_id"], orders.matched["customer_id"]
        own = by_the_same_name(customers.found, own, named)
        customers = chosen["customers"] = replace(customers, matched={**customers.matched, "customer_id": own})
    tables = free if orders is None else [orders.found]
    candidates = [each for found in tables if (each := _candidate("orders", found, customers)) is not None]
    if candidates:
        chosen["orders"] = max(_sure("orders", candidates), key=lambda candidate: candidate.score)


def _sure(table: TableName, candidates: list[_Candidate]) -> list[_Candidate]:
    """Without those that may list whom not to upload, if another is ours by its name."""
    sure = [candidate for candidate in candidates if not may_list_suppressions(candidate.found.name)]
    return sure if any(kind(candidate.found.name) == table for candidate in sure) else candidates


def _candidate(table: TableName, found: FoundTable, customers: _Candidate | None = None) -> _Candidate | None:
    """The found table as ours; None if its name or its columns say that it is something else. Orders may be of
    `customers` by their values.
    """
    named = kind(found.name)
    if named not in _NAMES[table]:
        return None
    matched, several = matches(table, found.columns), ()
    # Looking up is for what lacks no more than whose it is: a database may have hundreds of tables.
    if customers is not None and _has_needed(table, {"customer_id": Match("", 0), **matched}, named=named is not None):
        matched, several = linked(found, matched, customers.found, customers.matched)
    if not _has_needed(table, matched, named=named is not None):
        return None
    weights = _WEIGHTS.get(table, {})
    score = sum(weights.get(column, 1) for column in matched) + (_NAMED if named == table else 0)
    # Of two orders tables, the one that knows the person by a clearer name.
    link = matched.get("customer_id")
    return _Candidate(found, matched, score - (link.rank / 100_000 if link is not None else 0.0), several)


#: Which kinds of names a table may have; consents, visits and erasures are never guessed by columns alone.
_NAMES: dict[TableName, tuple[str | None, ...]] = {
    "customers": ("customers", None),
    "orders": ("orders", None),
    "consents": ("consents",),
    "visits": ("visits",),
    "erasures": ("erasures",),
}


#: By which columns a table's rows name the person, and what else a row needs.
_WHOSE: dict[TableName, tuple[str, ...]] = {
    "orders": ("customer_id", "email"),
    "consents": ("customer_id", "address"),
    "visits": ("customer_id",),
    "erasures": ("customer_id", "email", "phone"),
}
_WHEN: dict[TableName, tuple[str, ...]] = {"orders": ("amount", "ordered_at"), "visits": ("occurred_at",)}


def _has_needed(table: TableName, matched: Mapping[str, Match], *, named: bool) -> bool:
    """Whether the columns are there without which a table cannot be ours."""
    if table == "customers":
        return bool({"customer_id", "email"} & matched.keys()) and bool(
            {"email", "phone", "first_name", "last_name"} & matched.keys()
        )
    if table == "orders":
        measured = [matched[column] for column in ("amount", "ordered_at") if column in matched]
        by_name = named and any(not match.by_values for match in measured)
        return bool({"customer_id", "email"} & matched.keys()) and (len(measured) == 2 or by_name)
    if table == "visits":
        return {"customer_id", "occurred_at"} <= matched.keys()
    if table == "consents":
        return bool({"customer_id", "address"} & matched.keys())
    return bool({"customer_id", "email", "phone"} & matched.keys())


def _named_in_vain(
    tables: Iterable[FoundTable], chosen: Mapping[TableName, _Candidate]
) -> dict[TableName, tuple[Select, str]]:
    """Of ours that nothing was chosen for, the table that has its name, and what keeps it from being taken."""
    unfit: dict[TableName, tuple[Select, str]] = {}
    taken = [id(candidate.found) for candidate in chosen.values()]
    for table in _WHOSE:
        named = [found for found in tables if kind(found.name) == table and id(found) not in taken]
        trials = [(found, matches(table, found.columns)) for found in named if table not in chosen]
        found, matched = max(trials, key=lambda trial: len(trial[1]), default=(None, {}))
        if found is None or not {*matched} - {"email"}:
            continue
        several: tuple[str, ...] = ()
        if table == "orders" and "customers" in chosen:
            matched, several = linked(found, matched, chosen["customers"].found, chosen["customers"].matched)
        whose = _WHOSE[table]
        lacking = whose if not {*whose} & matched.keys() else _WHEN[table]
        fault = f"no column of it is {' or '.join(lacking)}"
        fault += f" by name, and {' and '.join(several)} hold ids of customers alike" if several else ""
        unfit[table] = (plain_select(table, found, matched), fault)
    return unfit
