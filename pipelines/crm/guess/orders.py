"""The select that makes a guessed table the orders, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from pipelines.crm.guess.amounts import ask_about_refunds, write_amount, write_currency
from pipelines.crm.guess.columns import Match
from pipelines.crm.guess.files import FoundTable, quoted
from pipelines.crm.guess.names import is_id_of_a_person
from pipelines.crm.guess.samples import SAMPLE_ROWS
from pipelines.crm.guess.selects import EQUAL_ROWS, like_ids
from pipelines.crm.guess.shapes import Values, filled, is_key
from pipelines.crm.guess.states import write_status
from pipelines.crm.guess.writer import Select, Writer


def orders_select(
    found: FoundTable,
    matched: Mapping[str, Match],
    customers: Select,
    others: Sequence[FoundTable] = (),
    several: Sequence[str] = (),
) -> Select:
    """Orders, linked to `customers` by id, or by e-mail where they have no id of the customer.

    No select reads the `others`; `several` columns hold customers' ids, of which nobody knows which is the buyer's.
    """
    writer = Writer("orders", found, matched)
    where = _order_id(writer)
    alias = _link(writer, customers, several)
    if "ordered_at" in matched:
        writer.time("ordered_at")
    else:
        writer.options["without_times"] = "true"
    refunds = write_amount(writer)
    write_currency(writer)
    write_status(writer, refunds)
    ask_about_refunds(writer, [table.title for table in others])
    if "channel" in matched:
        writer.copy("channel")
    return writer.done(where=where, alias=alias)


def _order_id(writer: Writer) -> str | None:
    """The order's id; and the WHERE that keeps one row per order, where an export repeats it over its lines."""
    matched = writer.matched
    if "order_id" not in matched:
        _make_up_an_id(writer)
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


def _make_up_an_id(writer: Writer) -> None:
    """An id made of whose order it is, when, and of how much: two orders of one day and sum are one by it."""
    parts = ("customer_id", "email", "ordered_at", "amount")
    writer.add("order_id", writer.key_of(*parts), EQUAL_ROWS)
    names = " and ".join(writer.matched[part].name for part in parts if part in writer.matched)
    ids = like_ids(writer)
    found = f"Every row has another {' and '.join(ids)}: if it" if ids else "If a column"
    writer.decide.append(
        f"orders.order_id: no column is called an id, so that it is made of {names}, and orders that have the same of "
        f"all count once. {found} is the id, take it"
    )


def _link(writer: Writer, customers: Select, several: Sequence[str]) -> str | None:
    """Whose order it is; the alias that the select then needs."""
    theirs = customers.mapped
    by_email = "email" in writer.matched and "email" in theirs and theirs["customer_id"] != theirs["email"]
    link = writer.matched.get("customer_id")
    if link is not None and (link.by_values or not (by_email and _are_others_ids(writer, customers))):
        writer.copy_one_id("customer_id")
        _check_link(writer, link, customers, several)
        return None
    name = writer.matched["email"].name
    if by_email:
        sql = (
            f"(SELECT min({_of('c', customers, 'customer_id')}) FROM {customers.found.place} AS c\n"
            f"     WHERE lower(trim({_of('c', customers, 'email')})) = lower(trim(o.{quoted(name)})))"
        )
        writer.add("customer_id", sql, "no column has the customer's id: the first record of this e-mail", source=name)
    else:
        writer.add("customer_id", f"lower(trim({quoted(name)}))", "no column has the customer's id", source=name)
    why = "no column has it"
    if link is not None:
        why = f"{link.name} holds other ids than {theirs['customer_id']} of customers"
    elif several:
        why = f"{' and '.join(several)} hold ids of customers alike, and which of them bought is yours to say"
    writer.decide.append(
        f"orders.customer_id: {why}, so {name} finds the customer; orders whose e-mail is in no record are "
        "set aside or count for nobody"
    )
    return "o" if by_email else None


def _of(alias: str, select: Select, column: str) -> str:
    """What the select reads as `column`, of its table under an alias."""
    name = quoted(select.mapped[column])
    sql = next(line.sql for line in select.lines if line.column == column)
    return sql.replace(name, f"{alias}.{name}", 1)


def _check_link(writer: Writer, link: Match, customers: Select, several: Sequence[str]) -> None:
    """Say so if values alone tell the link, and if no order of the sample is of a customer, where something tells: a
    sample that holds every customer, ids of another kind, or another column that has customers' ids.
    """
    if link.by_values:
        if not is_id_of_a_person(link.name):
            writer.decide.append(
                f"orders.customer_id: {link.name} is taken since it holds ids of customers, and its name says nothing; "
                "check that it says who bought"
            )
        return
    known = customers.found.columns[customers.mapped["customer_id"]]
    if not known or _met(writer, known):
        return
    name = link.name
    # Numbers are alike by chance.
    ids = {value for value in filled(known) if not value.isdigit()}
    sampled = [each for each, values in writer.found.columns.items() if each != name and ids & {*filled(values)}]
    others = several or sampled
    if len(known) >= SAMPLE_ROWS and not others and not _are_others_ids(writer, customers):
        return
    instead = f": {' and '.join(others)} {'holds' if len(others) == 1 else 'hold'} some" if others else ""
    writer.decide.append(
        f"orders.customer_id: no {name} of the sampled orders is a customer_id of customers; check whose it is{instead}"
    )


def _met(writer: Writer, known: Values) -> bool:
    """Whether some order of the sample is of a customer of the sample."""
    return not set(filled(known)).isdisjoint(writer.ids("customer_id"))


def _are_others_ids(writer: Writer, customers: Select) -> bool:
    """Whether the orders' customers are named by another system's ids, by what all ids are made of: `cus_9s6XKz` is no
    51. What they begin with tells nothing: ids may begin with a time, and orders are newer than the first customers.
    """
    known = customers.found.columns[customers.mapped["customer_id"]]
    theirs, ours = filled(known), writer.ids("customer_id")
    several = len({*theirs}) > 1 and len({*ours}) > 1
    return several and not _met(writer, known) and _made_of(theirs).isdisjoint(_made_of(ours))


def _made_of(ids: Iterable[str]) -> set[frozenset[str]]:
    """What each id is made of: digits, letters, and any other sign but what a float on its way to text has left."""
    whole = (re.sub(r"\.0+$", "", value) for value in ids)
    return {frozenset("9" if sign.isdigit() else "a" if sign.isalpha() else sign for sign in value) for value in whole}
