"""The select that makes a guessed table the orders: what they are worth, whose they are, and in which state."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from pipelines.crm.guess.amounts import Refunds, ask_about_refunds, counts_in_full, write_amount, write_currency
from pipelines.crm.guess.columns import Match
from pipelines.crm.guess.files import FoundTable, quoted
from pipelines.crm.guess.names import is_id_of_a_person, vocabulary
from pipelines.crm.guess.samples import SAMPLE_ROWS
from pipelines.crm.guess.selects import EQUAL_ROWS, like_ids
from pipelines.crm.guess.shapes import Values, filled, is_key, is_state, says_so
from pipelines.crm.guess.writer import Select, Writer, is_one_of

#: So many different words are states; where a sample has few rows, each may be another.
_MOST_STATES, _FEW = 12, 10


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
    _status(writer, refunds)
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


def _status(writer: Writer, refunds: Refunds | None) -> None:
    """The state as a column says it, unless another says that the order was called off or wholly given back."""
    parts: list[str] = []
    if "status" in writer.matched:
        parts = _translate_status(writer, refunds)
    else:
        writer.add("status", "'completed'", "no column says it: every row counts as a completed order")
        _ask_about_states(writer, refunds)
    ends, others = [], []
    if "cancelled" in writer.matched:
        others.append(writer.matched["cancelled"].name)
        ends.append(f"WHEN {says_so(writer.sql('cancelled'), writer.values('cancelled'))} THEN 'cancelled'")
    if refunds is not None:
        ends.append(f"WHEN {refunds.any}\n            AND {refunds.all} THEN 'refunded'")
    elif "refunded" in writer.matched:
        name = writer.matched["refunded"].name
        others.append(name)
        ends.append(f"WHEN {says_so(writer.sql('refunded'), writer.values('refunded'))} THEN 'refunded'")
        writer.decide.append(
            f"orders.status: {name} says which orders were refunded, and no column how much, so that they count as "
            "refunded whole; if a part was kept, give the rest as the amount"
        )
    if ends or parts:
        writer.unless("status", [*ends, *parts], tuple(others))


def _ask_about_states(writer: Writer, refunds: Refunds | None) -> None:
    """Say that no column is known as the state, and which may be it: what was called off or never paid counts in full,
    unless a column of its own says so.
    """
    ends = ("cancelled", "refunded_amount" if refunds is not None else "refunded")
    read = [writer.matched[column].name for column in ends if column in writer.matched]
    but = f" but what {' and '.join(read)} tells of" if read else ""
    names = " or ".join(_may_be_states(writer))
    told = (
        f"if {names} says which were called off, or never paid, translate it in the select"
        if names
        else "if some were called off, or never paid, leave them out with WHERE, or join what says so"
    )
    writer.decide.append(
        f"orders.status: no column is known as the state, so that every row{but} counts as a completed order; {told}"
    )


def _may_be_states(writer: Writer) -> list[str]:
    """Columns that nothing reads and whose few words return."""
    used = {match.name for match in writer.matched.values()}
    names = []
    for name, values in writer.found.columns.items():
        words = [value.lower() for value in filled(values)]
        if name not in used and 1 < len(set(words)) <= _MOST_STATES and all(map(is_state, words)):
            names += [name] if len(set(words)) < len(words) or len(words) < _FEW else []
    return names


def _translate_status(writer: Writer, refunds: Refunds | None) -> list[str]:
    """Write the state; the cases by which an order of which a part was given back is completed: where it is known how
    much, or where the sample has such orders, and a person is asked.
    """
    marks = vocabulary()["marks"]["partly"]
    partly = [state for state in vocabulary()["translated"]["status"]["completed"] if any(map(state.count, marks))]
    states = [(value or "").strip().lower() for value in writer.values("status")]
    asked = counts_in_full(writer) and not set(partly).isdisjoint(states)
    without = partly if refunds is not None or (counts_in_full(writer) and not asked) else []
    translated = writer.translate("status", without)
    name = writer.matched["status"].name
    if asked:
        writer.decide.append(
            f"orders.amount: by {name} a part of some orders was given back, and no column says how much, so that they "
            "count in full; subtract it in the select, from a table of refunds, say, or give such orders the status "
            "refunded"
        )
    if refunds is None:
        return []
    if any(state in partly and not back for state, back in zip(states, _given_back(writer), strict=True)):
        writer.decide.append(
            f"orders.status: by {name} a part of some orders was given back, and "
            f"{writer.matched['refunded_amount'].name} does not say how much, so that they are set aside; subtract it "
            "in the select, from a table of refunds, say, or give such orders the status refunded"
        )
    return (
        [f"WHEN {is_one_of(writer.sql('status'), partly)}\n            AND {refunds.any} THEN 'completed'"]
        if translated
        else []
    )


def _given_back(writer: Writer) -> list[bool]:
    """Row by row, whether the sample says that something was given back."""
    return [any(sign in (value or "") for sign in "123456789") for value in writer.values("refunded_amount")]
