"""Which column of a table is which contract column: by name, and by a sample of values where names do not decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from pipelines.crm.guess.names import (
    OTHER_PLACE,
    PAIRED,
    known_columns,
    marked,
    rank,
    speaks_of_something_else,
    squashed,
)
from pipelines.crm.guess.pairs import beside, may_be_unpaid, paired
from pipelines.crm.guess.shapes import (
    Values,
    filled,
    fit,
    is_decimal,
    is_international_phone,
    is_key,
    is_nested,
    share,
    translated,
)
from pipelines.crm.guess.time_forms import has_zero_dates
from pipelines.crm.sources.values import is_email, is_iso_time
from schemas.money import is_currency
from schemas.source import TableName

#: Below this share of fitting values, a column's values contradict its name.
_CONTRADICTED = 0.5
#: From this share on, values speak for a column whose name says nothing.
_SPEAKING = 0.9
#: A time that some orders do not have, such as that of their invoice, comes after one that all have; a state of which
#: no word is known, such as that of their invoice too, after one of which some are.
_WORSE = 50_000
#: A column that is blank throughout the sample comes after any other.
_BLANK = 100_000

#: What must be of one side: in the shop's currency, or in the buyer's.
_MONEY = ("amount", "currency", "refunded_amount")

#: Words that an order's state and a person's region share: the values must say that it is the order's.
_STATE_WORDS = frozenset({"state", "etat", "estado", "stato"})

#: What values alone may find, by table.
_BY_VALUES = {
    "customers": {"email": is_email, "phone": is_international_phone},
    "orders": {
        "email": is_email,
        "ordered_at": is_iso_time,
        "amount": is_decimal,
        "currency": lambda value: value.isupper() and is_currency(value),
    },
    "visits": {"occurred_at": is_iso_time},
}


@dataclass(frozen=True)
class Match:
    """A source column that is taken for a contract column."""

    name: str
    rank: int
    by_values: bool = False


def matches(table: TableName, columns: Mapping[str, Values]) -> dict[str, Match]:
    """Contract column → source column; a source column is used once.

    `columns` are a table's columns with a sample of their values. For orders, `email` may be matched too, and beside a
    mobile as a customer's `phone` a `landline`.
    """
    found: dict[str, Match] = {}
    for column in known_columns(table):
        choices = _choices(table, column, columns, found)
        if choices:
            found[column] = min(choices, key=lambda match: match.rank)
    if table == "orders" and "amount" in found:
        found = _with_money_of_one_side(columns, found)
    if table == "customers" and "phone" in found:
        found = _with_a_mobile_first(columns, found)
    for column, speaks in _BY_VALUES.get(table, {}).items():
        if column not in found:
            speaking = _speaking(table, columns, found, speaks)
            if len(speaking) == 1:
                found[column] = Match(speaking[0], 0, by_values=True)
    return _without_lone_names(found)


def other_states(columns: Mapping[str, Values], found: Mapping[str, Match]) -> list[str]:
    """The further columns that say an order's state, by their names and by some of their words, likelier ones first."""
    choices = [match for match in _choices("orders", "status", columns, found) if match.rank < _WORSE]
    return [match.name for match in sorted(choices, key=lambda match: match.rank)]


def contradicted(table: TableName, columns: Mapping[str, Values], found: Mapping[str, Match]) -> dict[str, str]:
    """Contract columns without a match → the source column whose name fits and whose values do not."""
    against: dict[str, str] = {}
    for column in known_columns(table):
        if column in found:
            continue
        named = {name: rank(table, column, name) for name in columns if name not in {m.name for m in found.values()}}
        ranked = {name: place for name, place in named.items() if place is not None and place < _BLANK}
        if ranked and squashed(min(ranked, key=lambda name: ranked[name])) not in PAIRED.get(column, ()):
            against[column] = min(ranked, key=lambda name: ranked[name])
    return against


def _with_money_of_one_side(columns: Mapping[str, Values], found: dict[str, Match]) -> dict[str, Match]:
    """Amount, currency and refunds that belong together; refunds that are not in the amount's currency are none."""
    others = {column: match for column, match in found.items() if column not in _MONEY}
    choices = [_choices("orders", column, columns, others) for column in _MONEY]
    amounts, currencies, refunds = map(_fullest, choices)
    amount, currency = paired(amounts, currencies) or (amounts[0], currencies[0] if currencies else None)
    money = {"amount": amount, "currency": currency, "refunded_amount": beside(amount, refunds)}
    by_name = {match.name: match for each in choices for match in each}
    return {**others, **{column: by_name[name] for column, name in money.items() if name is not None}}


def _with_a_mobile_first(columns: Mapping[str, Values], found: dict[str, Match]) -> dict[str, Match]:
    """A mobile for the phone, since people sign up with theirs, and beside it a landline, unless it is of elsewhere."""
    others = {column: match for column, match in found.items() if column != "phone"}
    choices = {match.name: match for match in _choices("customers", "phone", columns, others)}
    phones = _fullest([*choices.values()])
    mobiles = marked(phones, "mobile")
    landlines = [name for name in phones if name not in mobiles and choices[name].rank % _BLANK < OTHER_PLACE]
    if not (mobiles and landlines):
        return found
    return {**others, "phone": choices[mobiles[0]], "landline": choices[landlines[0]]}


def _fullest(choices: list[Match]) -> list[str]:
    """The names of those that are not blank, if any is not, likelier ones first."""
    filled_ones = [match for match in choices if match.rank < _BLANK] or choices
    return [match.name for match in sorted(filled_ones, key=lambda match: match.rank)]


def _choices(table: TableName, column: str, columns: Mapping[str, Values], found: Mapping[str, Match]) -> list[Match]:
    taken = {match.name for match in found.values()}
    choices = []
    for name, values in columns.items():
        place = None if name in taken else rank(table, column, name)
        if place is not None and _agrees(table, column, name, values):
            worse = (column == "ordered_at" and has_zero_dates(values)) or (
                table == "orders" and column == "status" and not translated("status", values)
            )
            choices.append(Match(name, place + (_WORSE if worse else 0) if filled(values) else place + _BLANK))
    return choices


def _agrees(table: TableName, column: str, name: str, values: Values) -> bool:
    """Whether the values do not contradict the name."""
    if is_nested(values) or (table == "customers" and column == "customer_id" and not is_key(values)):
        return False
    fitting = fit(column, values)
    if fitting is None:
        return True
    if table == "orders" and column == "status" and squashed(name) in _STATE_WORDS and not translated("status", values):
        return False
    if column == "amount" and may_be_unpaid(name) and (share(values, _is_zero) or 0.0) >= _CONTRADICTED:
        return False
    if squashed(name) in PAIRED.get(column, ()):
        whole_names = share(values, partial(_has_words, 2))
        return fitting >= _CONTRADICTED and (whole_names or 0.0) < _CONTRADICTED
    # One that holds an amount too is neither a time nor a flag.
    return fitting >= (1.0 if column in {"cancelled", "refunded"} else _CONTRADICTED)


def _is_zero(value: str) -> bool:
    return "0" in value and not any(sign in value for sign in "123456789")


def _has_words(count: int, value: str) -> bool:
    return len(value.split()) >= count


def _speaking(table: TableName, columns: Mapping[str, Values], found: Mapping[str, Match], speaks) -> list[str]:  # noqa: ANN001
    """Unused columns of a name unknown to the table whose values look right."""
    taken = {match.name for match in found.values()}
    return [
        name
        for name, values in columns.items()
        if name not in taken
        and not speaks_of_something_else(name)
        and not is_nested(values)
        and all(rank(table, column, name) is None for column in known_columns(table))
        and (share(values, speaks) or 0.0) >= _SPEAKING
    ]


def _without_lone_names(found: dict[str, Match]) -> dict[str, Match]:
    """Without a first or last name that only its `name` speaks for, unless the other name is there by a clear word."""
    lone = {column: squashed(found[column].name) in words for column, words in PAIRED.items() if column in found}
    for column, other in (("first_name", "last_name"), ("last_name", "first_name")):
        if lone.get(column) and lone.get(other, True):
            del found[column]
    return found
