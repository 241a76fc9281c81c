"""A segment's rule in words, where it is made of plain comparisons; else the rule as it is written."""

from __future__ import annotations

import re
from typing import NamedTuple

import sqlalchemy as sa

from catalog.nights import CONFIG_CHANGES, NIGHTS
from catalog.store import Catalog
from portal.language import Language
from portal.overview import Row

_COMPARISON = re.compile(r"\s*(\w+)\s*(>=|<=|>|<|=)\s*(-?\d+(?:\.\d+)?)\s*")


class RuleInWords(NamedTuple):
    """Sentences that all hold, or the rule as written if it is none of the simple ones."""

    sentences: tuple[str, ...]
    as_written: str


#: Column → what a comparison with it says: at least, at most.
_WORDS: dict[str, tuple[str, str]] = {
    "orders_count": ("Ordered at least {n} times", "Ordered at most {n} times"),
    "revenue": ("Spent {n} {currency} or more in all", "Spent {n} {currency} or less in all"),
    "average_order_value": ("Spends {n} {currency} or more an order", "Spends {n} {currency} or less an order"),
    "recency_days": ("Last ordered at least {n} days ago", "Ordered in the last {n} days"),
    "days_since_first_order": ("First ordered at least {n} days ago", "First ordered in the last {n} days"),
    "tenure_days": ("Known for at least {n} days", "Known for at most {n} days"),
    "value_percentile": (
        "Among the best {rest} percent of customers by money spent",
        "Among the lower {n} percent of customers by money spent",
    ),
    "last_visit_days": ("Last visited at least {n} days ago", "Visited in the last {n} days"),
}


#: Columns that hold whole numbers.
_COUNTED = {"orders_count", "recency_days", "days_since_first_order", "tenure_days", "last_visit_days"}

#: A sentence of `_WORDS` → what it says of one.
_ONE: dict[str, str] = {
    "Ordered at least {n} times": "Ordered at least once",
    "Ordered at most {n} times": "Ordered at most once",
    "Last ordered at least {n} days ago": "Last ordered at least a day ago",
    "Ordered in the last {n} days": "Ordered in the last day",
    "First ordered at least {n} days ago": "First ordered at least a day ago",
    "First ordered in the last {n} days": "First ordered in the last day",
    "Known for at least {n} days": "Known for at least a day",
    "Known for at most {n} days": "Known for a day at most",
    "Last visited at least {n} days ago": "Last visited at least a day ago",
    "Visited in the last {n} days": "Visited in the last day",
}
_NEVER = "Never ordered"


def in_words(rule: str, language: Language, currency: str) -> RuleInWords:
    """The rule, a sentence for each of its comparisons joined by AND; `currency` is the company's."""
    sentences: list[str] = []
    for part in re.split(r"\bAND\b", rule, flags=re.IGNORECASE):
        comparison = _COMPARISON.fullmatch(part)
        if comparison is None or comparison[1] not in _WORDS or comparison[2] == "=":
            return RuleInWords((), rule)
        if comparison[2] in {">", "<"} and not _counts(comparison[1], comparison[3]):
            return RuleInWords((), rule)
        sentence = _sentence(comparison[1], comparison[2], float(comparison[3]))
        if sentence is None:
            return RuleInWords((), rule)
        says, n = sentence
        sentences.append(language.say(says, n=n, rest=100 - n, currency=currency))
    return RuleInWords(tuple(sentences), rule)


def rule_of_file(catalog: Catalog, row: Row) -> str | None:
    """The rule by which the file to be uploaded was made, where a night that found another one held the audience back;
    None if it is the declared one, or not known."""
    if not row.is_held or row.as_of is None:
        return None
    changed = (CONFIG_CHANGES.c.kind == "rule_changed", CONFIG_CHANGES.c.about == row.title)
    query = (
        sa.select(CONFIG_CHANGES.c.before, CONFIG_CHANGES.c.after)
        .join(NIGHTS, NIGHTS.c.night == CONFIG_CHANGES.c.night)
        .where(*changed, NIGHTS.c.as_of > row.as_of)
        .order_by(NIGHTS.c.night)
    )
    with catalog.reading() as connection:
        changes = connection.execute(query).all()
    declared = " ".join(row.rule.split())
    if not changes or changes[-1].after != declared or changes[0].before == declared:
        return None
    return changes[0].before


def _counts(column: str, number: str) -> bool:
    """Whether more than the number is one more, since the column holds whole numbers."""
    return column in _COUNTED and float(number).is_integer()


def _sentence(column: str, operator: str, value: float) -> tuple[str, float] | None:
    """What the comparison says, and of how many; None of what no sentence says, such as less than none."""
    is_least, whole = operator.startswith(">"), int(value) if value.is_integer() else value
    if operator in {">", "<"}:
        # Whole numbers: more than 365 is at least 366.
        whole += 1 if is_least else -1
    says = _WORDS[column][0 if is_least else 1]
    if column in _COUNTED and whole < 1:
        return (_NEVER, 0) if (column, is_least, whole) == ("orders_count", False, 0) else None
    return _ONE.get(says, says) if whole == 1 else says, whole
