"""What an order is worth: its amount as a number, less what was given back, and the currency of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.crm.guess.names import marked
from pipelines.crm.guess.pairs import in_one_currency, is_minor, is_net, may_be_unpaid
from pipelines.crm.guess.shapes import (
    decimal_sign,
    filled,
    has_codes,
    has_lakhs,
    has_money_signs,
    has_thousands,
    money_signs,
    tells_of_ends,
    whole_numbers,
)
from pipelines.crm.guess.signs import DASHES, Sign, bare, has_dashes, is_minus_behind
from pipelines.crm.guess.writer import Writer

#: What relance.toml is written with, since only the company can say its own.
CURRENCY = "EUR"

#: Signs that may stand in a column of which another says the currency, though none of the sample bears them.
_COMMON = "€£$¥"

#: A number with commas between its thousands, or its lakhs and crores.
_GROUPED = r"^\D*\d{1,3}(,\d\d\d?)*,\d{3}([^\d,]|$)"

_NOTHING = frozenset("no n false f none null non nein nee faux falsch falso".split())  # noqa: SIM905


@dataclass(frozen=True)
class Refunds:
    """SQL on what orders gave back."""

    #: Whether an order has any, and whether it has nothing else left.
    any: str
    all: str


def write_amount(writer: Writer) -> Refunds | None:
    """The amount, less the refunds where a column has them."""
    if "amount" not in writer.matched:
        writer.add("amount", "'0'", "no column has it: revenue is 0 until you name or join it")
        writer.decide.append("orders.amount: no column has it, so revenue is 0; name it, or join the table that has it")
        return None
    name, minor = writer.matched["amount"].name, is_minor(writer.matched["amount"].name)
    decimal, amount = decimal_sign(_bare_sums(writer)), _number(writer, "amount")
    note = None
    if decimal == ",":
        writer.options["decimal"] = '","'
    if minor:
        writer.options["amount"] = '"minor"'
    elif whole_numbers(writer.values("amount")):
        note = 'whole numbers: if they are cents, write amount = "minor" above'
        writer.decide.append(
            f'orders.amount: {name} holds whole numbers only; if they are cents, write amount = "minor"'
        )
    if may_be_unpaid(name):
        writer.decide.append(
            f"orders.amount: {name} is read as what an order is worth; if it is what is still to be paid, take another"
        )
    if "refunded_amount" not in writer.matched:
        writer.add("amount", amount, note, source=name)
        return None
    back = writer.matched["refunded_amount"].name
    refund = _number(writer, "refunded_amount")
    whole, given = (_decimal(sql, decimal) for sql in (amount, refund))
    net = f"({whole} - abs({given}))::VARCHAR"
    net = f"replace({net}, '.', ',')" if decimal == "," else net
    refunds = Refunds(f"regexp_matches({refund}, '[1-9]')", f"abs({given}) >= {whole}")
    sql = f"CASE WHEN {refunds.any}\n        THEN {net}\n        ELSE {amount} END"
    writer.add("amount", sql, note or "less what was given back", source=name, others=(back,))
    writer.decide.append(
        f"orders.amount: {back} is subtracted from {name}, and an order of which all was given back is refunded; if "
        f"{name} is already less by it, name that column alone, here and in the status"
    )
    return refunds


def write_currency(writer: Writer) -> None:
    """The column, what stands beside the amounts, or the currency that relance.toml is written with."""
    if "currency" not in writer.matched:
        _currency_of_amounts(writer)
        return
    writer.copy("currency")
    name = writer.matched["currency"].name
    if "amount" in writer.matched and not in_one_currency(amount := writer.matched["amount"].name, name):
        writer.decide.append(
            f"orders.currency: {amount} and {name} may be of two sides, the shop's currency and the buyer's; if "
            f"{amount} is not in {name}, take the column that says its currency, or write that as text"
        )
    if any(value.upper() != CURRENCY for value in filled(writer.values("currency"))):
        _ask_for_rates(writer, f"{name} holds others than {CURRENCY}")


def _currency_of_amounts(writer: Writer) -> None:
    values = writer.values("amount") if "amount" in writer.matched else ()
    signs = money_signs(values)
    name = writer.matched["amount"].name if values else None
    shared = [sign for sign in signs if sign.shared]
    if name is not None and (len(signs) > 1 or has_codes(values)):
        _currency_of_each(writer, name, signs)
        return
    (sign,) = signs or (None,)
    code = CURRENCY if sign is None else sign.currency
    why = "put the currency of these amounts here" if sign is None else f"the amounts bear {sign.text}"
    writer.add("currency", f"'{code}'", f"no column says it: {why}")
    if sign is None or shared:
        told = f", since {name} bears {sign.text}" if sign is not None else ""
        writer.decide.append(
            f"orders.currency: no column says it, so '{code}' is written{told}; put yours, in relance.toml too"
        )
    elif code != CURRENCY:
        _ask_for_rates(writer, f"{name} bears {sign.text}")


def _currency_of_each(writer: Writer, name: str, signs: Sequence[Sign]) -> None:
    """Each order's currency by what stands beside its amount; a code says it better than a sign."""
    sql = writer.sql("amount")
    code = f"regexp_extract({sql}, '[A-Z]{{3}}')"
    cases = [f"WHEN {sign.is_in(sql)} THEN '{sign.currency}'" for sign in signs]
    if has_codes(writer.values("amount")):
        cases.insert(0, f"WHEN {code} <> '' THEN {code}")
    each = "\n        ".join(["CASE", *cases, "ELSE '' END"]) if signs else code
    writer.add("currency", each, "what stands beside each amount", source=name)
    if signs:
        shared = " and ".join(f"{sign.text} is taken for {sign.currency}" for sign in signs if sign.shared)
        writer.decide.append(
            f"orders.currency: no column says it, and {name} bears the signs of several, so that each order's is "
            f"told by its own sign{f': {shared}, put others where they are meant' if shared else ''}; an amount "
            "without a sign is set aside"
        )
    _ask_for_rates(writer, f"{name} may hold others than {CURRENCY}")


def _ask_for_rates(writer: Writer, found: str) -> None:
    writer.decide.append(
        f"orders.currency: {found}; put the company's currency into relance.toml, and rates for any other into "
        "rates.csv, or those orders are set aside"
    )


def counts_in_full(writer: Writer) -> bool:
    """Whether money given back is in no amount: no column says how much, and none holds what is left."""
    read = writer.matched
    return "amount" in read and "refunded_amount" not in read and not is_net(read["amount"].name)


def ask_about_refunds(writer: Writer, tables: Sequence[str]) -> None:
    """Say which columns, by their names or their words, and which of the `tables` that nothing reads may tell of money
    given back, or of orders called off or not paid.
    """
    read = {match.name for match in writer.matched.values()} | {name for line in writer.lines for name in line.others}
    names = [name for name in writer.found.columns if name not in read]
    refunds = marked(names, "given_back") if counts_in_full(writer) else []
    ends = marked(names, "called_off") if "cancelled" not in writer.matched else []
    # Where no column is known as the state, all of them are asked about.
    states = [name for name in names if "status" in writer.matched and tells_of_ends(writer.found.columns[name])]
    told = [name for name in names if name in states or (name in {*refunds, *ends} and _says_something(writer, name))]
    told += marked(list(tables), "given_back") if counts_in_full(writer) else []
    if told:
        writer.decide.append(
            f"orders.amount: {' and '.join(told)} may tell of money given back, or of orders called off or not paid, "
            "and no select reads it, so that those orders count in full; if so, subtract it from the amount, or give "
            "such orders the status refunded, cancelled or pending"
        )


def _says_something(writer: Writer, name: str) -> bool:
    """Whether some value is more than no, none or zero."""
    return any(value.strip("0.,:- ") and value.lower() not in _NOTHING for value in filled(writer.found.columns[name]))


def _sums(writer: Writer) -> tuple[str | None, ...]:
    """Amounts and refunds: both are written alike."""
    columns = [column for column in ("amount", "refunded_amount") if column in writer.matched]
    return tuple(value for column in columns for value in writer.values(column))


def _bare_sums(writer: Writer) -> tuple[str, ...]:
    return tuple(map(bare, filled(_sums(writer))))


def _number(writer: Writer, column: str) -> str:
    """SQL for a sum without money's signs and the signs between its thousands."""
    name, sql, values = writer.matched[column].name, writer.sql(column), _bare_sums(writer)
    decimal, signs = decimal_sign(values), has_money_signs(_sums(writer)) or has_codes(_sums(writer))
    if any(map(is_minus_behind, filled(_sums(writer)))):
        sql = rf"regexp_replace({sql}, '^(.*[0-9])\s*-', '-\1')"
    if any(map(has_dashes, filled(_sums(writer)))):
        sql = f"regexp_replace({sql}, '[.,]{DASHES}', '')"
    between, given = "," if decimal == "." else ".", sql
    if signs:
        sql = f"regexp_replace({sql}, '{_strange(writer)}', '', 'g')"
    if decimal == "." and has_thousands(values, "."):
        sql = rf"regexp_replace({sql}, '[.](\d{{3}})\b', '\1', 'g')"
        writer.decide.append(
            f"orders.amount: in {name} a point stands only before three digits, so that it is read as one between "
            "thousands; if these are decimals, name the column alone"
        )
    elif decimal == "." and has_thousands(values, ",") and not any("." in value for value in values):
        writer.decide.append(
            f"orders.amount: in {name} a comma stands only before three digits, so that it is read as one between "
            'thousands; if these are decimals, name the column alone, and write decimal = "," above the select'
        )
    # What writes money's signs writes its thousands too, though none of the sample may be that dear.
    unseen = signs and not any(between in value for value in values)
    if decimal == "." and (has_lakhs(values) or (unseen and _is_of_india(writer))):
        sql = f"CASE WHEN regexp_matches({given}, '{_GROUPED}')\n        THEN replace({sql}, ',', '') ELSE {sql} END"
    elif has_thousands(values, between) or unseen:
        sql = rf"regexp_replace({sql}, '[{between}](\d{{3}})\b', '\1', 'g')"
    if has_thousands(values, "'") or has_thousands(values, "’"):
        # As in Switzerland.
        sql = rf"regexp_replace({sql}, '[''’](\d{{3}})\b', '\1', 'g')"
    return sql


def _is_of_india(writer: Writer) -> bool:
    """Whether amounts are rupees by what stands beside them, or by a column."""
    currencies = filled(writer.values("currency")) if "currency" in writer.matched else []
    codes = {currency.upper() for currency in currencies}
    return "INR" in codes | {sign.currency for sign in money_signs(_sums(writer))}


def _strange(writer: Writer) -> str:
    """A pattern of what may go: where a sign says the currency, another, which no row of the sample bears, may not."""
    signs = money_signs(_sums(writer))
    symbols = {sign.text for sign in signs if sign.is_one_symbol}
    symbols |= set(_COMMON) if "currency" in writer.matched else set()
    words = [sign.pattern for sign in signs if not sign.is_one_symbol]
    codes = ["[A-Z]{3}"] if has_codes(_sums(writer)) else []
    return "|".join([*codes, *words, rf"[\p{{Z}}{''.join(sorted(symbols))}]"])


def _decimal(sql: str, decimal: str) -> str:
    text = f"replace({sql}, ',', '.')" if decimal == "," else sql
    return f"TRY_CAST({text} AS DECIMAL(18, 6))"
