"""The select that makes a guessed table the orders: what they are worth, whose they are, and in which state."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.crm.guess_columns import Match
from pipelines.crm.guess_files import SAMPLE_ROWS, FoundTable, quoted
from pipelines.crm.guess_names import words
from pipelines.crm.guess_selects import EQUAL_ROWS, Select, Writer
from pipelines.crm.guess_shapes import (
    decimal_sign,
    filled,
    has_money_signs,
    has_thousands,
    is_key,
    whole_numbers,
)

#: What relance.toml is written with, since only the company can say its own.
CURRENCY = "EUR"

#: Words in a column's name by which its amounts are minor units.
_MINOR = frozenset("cents cent minor centimes centimos centesimi centen pence".split())  # noqa: SIM905


def orders_select(found: FoundTable, matched: Mapping[str, Match], customers: Select) -> Select:
    """Orders, linked to `customers` by id, or by e-mail where they have no id of the customer."""
    writer = Writer("orders", found, matched)
    where = _order_id(writer)
    alias = _link(writer, customers)
    if "ordered_at" in matched:
        writer.time("ordered_at")
    else:
        writer.options["without_times"] = "true"
    _amount(writer)
    _currency(writer)
    _status(writer)
    if "channel" in matched:
        writer.copy("channel")
    return writer.done(where=where, alias=alias)


def _order_id(writer: Writer) -> str | None:
    """The order's id; and the WHERE that keeps one row per order, where an export repeats it over its lines."""
    matched = writer.matched
    if "order_id" not in matched:
        writer.add("order_id", writer.key_of("customer_id", "email", "ordered_at", "amount"), EQUAL_ROWS)
        return None
    writer.copy("order_id")
    writer.ask_which_files("order_id")
    ids = writer.values("order_id")
    if is_key(ids):
        return None
    if "amount" in matched:
        with_amount = [key for key, amount in zip(ids, writer.values("amount"), strict=True) if filled([amount])]
        if is_key(with_amount):  # Shopify leaves an order's columns blank on all lines but its first
            return f"trim({writer.sql('amount')}) <> ''"
    writer.decide.append(
        f"orders.order_id: {matched['order_id'].name} repeats, so rows are lines of orders; rows of one id that differ "
        "are set aside. Make one row per order with GROUP BY in the select"
    )
    return None


def _link(writer: Writer, customers: Select) -> str | None:
    """Whose order it is; the alias that the select then needs."""
    if "customer_id" in writer.matched:
        writer.copy("customer_id")
        _check_link(writer, customers)
        return None
    name, theirs = writer.matched["email"].name, customers.mapped
    by_email = "email" in theirs and theirs["customer_id"] != theirs["email"]
    if by_email:
        sql = (
            f"(SELECT min({_of('c', customers, 'customer_id')}) FROM {customers.found.place} AS c\n"
            f"     WHERE lower(trim({_of('c', customers, 'email')})) = lower(trim(o.{quoted(name)})))"
        )
        writer.add("customer_id", sql, "no column has the customer's id: the first record of this e-mail", source=name)
    else:
        writer.add("customer_id", f"lower(trim({quoted(name)}))", "no column has the customer's id", source=name)
    writer.decide.append(
        f"orders.customer_id: no column has it, so {name} finds the customer; orders whose e-mail is in no record are "
        "set aside or count for nobody"
    )
    return "o" if by_email else None


def _of(alias: str, select: Select, column: str) -> str:
    """What the select reads as `column`, of its table under an alias."""
    name = quoted(select.mapped[column])
    sql = next(line.sql for line in select.lines if line.column == column)
    return sql.replace(name, f"{alias}.{name}", 1)


def _check_link(writer: Writer, customers: Select) -> None:
    """Say so if no order of the sample is of a customer; only a sample that holds every customer can tell."""
    known = customers.found.columns[customers.mapped["customer_id"]]
    if len(known) < SAMPLE_ROWS and known and not set(filled(known)) & set(filled(writer.values("customer_id"))):
        name = writer.matched["customer_id"].name
        writer.decide.append(
            f"orders.customer_id: no {name} of the sampled orders is a customer_id of customers; check whose it is"
        )


def _amount(writer: Writer) -> None:
    if "amount" not in writer.matched:
        writer.add("amount", "'0'", "no column has it: revenue is 0 until you name or join it")
        writer.decide.append("orders.amount: no column has it, so revenue is 0; name it, or join the table that has it")
        return
    name, values = writer.matched["amount"].name, writer.values("amount")
    decimal, sql = decimal_sign(values), writer.sql("amount")
    between = "," if decimal == "." else "."
    below_one = any(value.lstrip("-").startswith("0.") for value in filled(values))
    if decimal == "." and has_thousands(values, ".") and not below_one:
        sql = rf"regexp_replace({sql}, '[.](\d{{3}})\b', '\1', 'g')"
        writer.decide.append(
            f"orders.amount: in {name} a point stands only before three digits, so that it is read as one between "
            "thousands; if these are decimals, name the column alone"
        )
    if has_money_signs(values):
        sql = rf"regexp_replace({sql}, '[\p{{Z}}€$£¥]', '', 'g')"
    # What writes money's signs writes its thousands too, though none of the sample may be that dear.
    if has_thousands(values, between) or (
        has_money_signs(values) and not any(between in value for value in filled(values))
    ):
        sql = rf"regexp_replace({sql}, '[{between}](\d{{3}})\b', '\1', 'g')"
    if has_thousands(values, "'") or has_thousands(values, "’"):
        # As in Switzerland.
        sql = rf"regexp_replace({sql}, '[''’](\d{{3}})\b', '\1', 'g')"
    minor = bool(_MINOR & set(words(name)))
    note = None
    if decimal == ",":
        writer.options["decimal"] = '","'
    if minor:
        writer.options["amount"] = '"minor"'
    elif whole_numbers(values):
        note = 'whole numbers: if they are cents, write amount = "minor" above'
        writer.decide.append(
            f'orders.amount: {name} holds whole numbers only; if they are cents, write amount = "minor"'
        )
    writer.add("amount", sql, note, source=name)


def _currency(writer: Writer) -> None:
    """The column, or the currency that relance.toml is written with."""
    if "currency" not in writer.matched:
        writer.add("currency", f"'{CURRENCY}'", "no column says it: put the currency of these amounts here")
        writer.decide.append(
            f"orders.currency: no column says it, so '{CURRENCY}' is written; put yours, in relance.toml too"
        )
        return
    writer.copy("currency")
    if any(value.upper() != CURRENCY for value in filled(writer.values("currency"))):
        writer.decide.append(
            f"orders.currency: {writer.matched['currency'].name} holds others than {CURRENCY}; put the company's "
            "currency into relance.toml, and rates for any other into rates.csv, or those orders are set aside"
        )


def _status(writer: Writer) -> None:
    if "status" in writer.matched:
        writer.translate("status")
    else:
        writer.add("status", "'completed'", "no column says it: every row counts as a completed order")
