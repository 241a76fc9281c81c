"""What an order is worth: its amount as a number, less what was given back, and the currency of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.crm.guess_names import marked
from pipelines.crm.guess_pairs import in_one_currency, is_minor, is_net
from pipelines.crm.guess_shapes import (
    decimal_sign,
    filled,
    has_codes,
    has_money_signs,
    has_thousands,
    money_signs,
    whole_numbers,
)
from pipelines.crm.guess_writer import Writer

#: What relance.toml is written with, since only the company can say its own.
CURRENCY = "EUR"

#: What a sign stands for where nothing else says it; of some, other countries' money bears it too.
_OF_SIGNS = {"€": "EUR", "£": "GBP", "$": "USD", "¥": "JPY"}
_OF_MANY = frozenset("$¥")

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
    decimal, amount = decimal_sign(_sums(writer)), _number(writer, "amount")
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
    if name is not None and (len(signs) > 1 or has_codes(values)):
        sql = writer.sql("amount")
        cases = " ".join(f"WHEN contains({sql}, '{sign}') THEN '{code}'" for sign, code in _OF_SIGNS.items())
        code = f"regexp_extract({sql}, '[A-Z]{{3}}')"
        both = f"CASE {cases}\n        ELSE {code} END"
        writer.add("currency", both if signs else code, "what stands beside each amount", source=name)
        if signs:
            writer.decide.append(
                f"orders.currency: no column says it, and {name} bears the signs of several, so that each order's is "
                "told by its own sign: $ is taken for USD and ¥ for JPY, put others where they are meant; an amount "
                "without a sign is set aside"
            )
        _ask_for_rates(writer, f"{name} may hold others than {CURRENCY}")
        return
    (sign,) = signs or ("",)
    code = _OF_SIGNS.get(sign, CURRENCY)
    why = f"the amounts bear {sign}" if sign else "put the currency of these amounts here"
    writer.add("currency", f"'{code}'", f"no column says it: {why}")
    if not sign or sign in _OF_MANY:
        told = f", since {name} bears {sign}" if sign else ""
        writer.decide.append(
            f"orders.currency: no column says it, so '{code}' is written{told}; put yours, in relance.toml too"
        )
    elif code != CURRENCY:
        _ask_for_rates(writer, f"{name} bears {sign}")


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
    """Say which columns, and which of the `tables` that nothing reads, may tell of money given back or orders called
    off.
    """
    names = [name for name in writer.found.columns if name not in {match.name for match in writer.matched.values()}]
    refunds = marked(names, "given_back") if counts_in_full(writer) else []
    ends = marked(names, "called_off") if "cancelled" not in writer.matched else []
    told = [name for name in names if name in {*refunds, *ends} and _says_something(writer, name)]
    told += marked(list(tables), "given_back") if counts_in_full(writer) else []
    if told:
        writer.decide.append(
            f"orders.amount: {' and '.join(told)} may tell of money given back or orders called off, and no select "
            "reads it, so that those orders count in full; if so, subtract it from the amount, or give such orders the "
            "status refunded or cancelled"
        )


def _says_something(writer: Writer, name: str) -> bool:
    """Whether some value is more than no, none or zero."""
    return any(value.strip("0.,:- ") and value.lower() not in _NOTHING for value in filled(writer.found.columns[name]))


def _sums(writer: Writer) -> tuple[str | None, ...]:
    """Amounts and refunds: both are written alike."""
    columns = [column for column in ("amount", "refunded_amount") if column in writer.matched]
    return tuple(value for column in columns for value in writer.values(column))


def _number(writer: Writer, column: str) -> str:
    """SQL for a sum without money's signs and the signs between its thousands."""
    name, sql, values = writer.matched[column].name, writer.sql(column), _sums(writer)
    decimal, signs = decimal_sign(values), has_money_signs(values) or has_codes(values)
    between = "," if decimal == "." else "."
    if decimal == "." and has_thousands(values, "."):
        sql = rf"regexp_replace({sql}, '[.](\d{{3}})\b', '\1', 'g')"
        writer.decide.append(
            f"orders.amount: in {name} a point stands only before three digits, so that it is read as one between "
            "thousands; if these are decimals, name the column alone"
        )
    elif decimal == "." and has_thousands(values, ",") and not any("." in value for value in filled(values)):
        writer.decide.append(
            f"orders.amount: in {name} a comma stands only before three digits, so that it is read as one between "
            'thousands; if these are decimals, name the column alone, and write decimal = "," above the select'
        )
    if signs:
        sql = rf"regexp_replace({sql}, '[{_strange(writer)}]', '', 'g')"
    # What writes money's signs writes its thousands too, though none of the sample may be that dear.
    if has_thousands(values, between) or (signs and not any(between in value for value in filled(values))):
        sql = rf"regexp_replace({sql}, '[{between}](\d{{3}})\b', '\1', 'g')"
    if has_thousands(values, "'") or has_thousands(values, "’"):
        # As in Switzerland.
        sql = rf"regexp_replace({sql}, '[''’](\d{{3}})\b', '\1', 'g')"
    return sql


def _strange(writer: Writer) -> str:
    """The signs that may go: where one sign says the currency, another, which no row of the sample bears, may not."""
    values = writer.values("amount")
    signs = money_signs(values)
    if "currency" in writer.matched or len(signs) > 1 or has_codes(values):
        return rf"\p{{Z}}{''.join(_OF_SIGNS)}" + ("A-Z" if has_codes(_sums(writer)) else "")
    return rf"\p{{Z}}{''.join(signs)}"


def _decimal(sql: str, decimal: str) -> str:
    text = f"replace({sql}, ',', '.')" if decimal == "," else sql
    return f"TRY_CAST({text} AS DECIMAL(18, 6))"
