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
    "revenue": ("Spent {n} or more in all", "Spent {n} or less in all"),
    "average_order_value": ("Spends {n} or more an order", "Spends {n} or less an order"),
    "recency_days": ("Last ordered at least {n} days ago", "Ordered in the last {n} days"),
    "days_since_first_order": ("First ordered at least {n} days ago", "First ordered in the last {n} days"),
    "tenure_days": ("Known for at least {n} days", "Known for at most {n} days"),
    "value_percentile": (
        "Among the best {rest} percent of customers by money spent",
        "Among the lower {n} percent of customers by money spent",
    ),
    "last_visit_days": ("Last visited at least {n} days ago", "Visited in the last {n} days"),
}


def in_words(rule: str, language: Language) -> RuleInWords:
    """The rule, a sentence for each of its comparisons joined by AND."""
    sentences: list[str] = []
    for part in re.split(r"\bAND\b", rule, flags=re.IGNORECASE):
        comparison = _COMPARISON.fullmatch(part)
        if comparison is None or comparison[1] not in _WORDS or comparison[2] == "=":
            return RuleInWords((), rule)
        if comparison[2] in {">", "<"} and not _counts(comparison[1], comparison[3]):
            return RuleInWords((), rule)
        sentences.append(_sentence(comparison[1], comparison[2], float(comparison[3]), language))
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
    return column.endswith(("_days", "_count", "_order")) and float(number).is_integer()


def _sentence(column: str, operator: str, value: float, language: Language) -> str:
    at_least, at_most = _WORDS[column]
    whole = int(value) if value.is_integer() else value
    if operator in {">", "<"}:
        # Whole numbers: more than 365 is at least 366.
        whole += 1 if operator == ">" else -1
    if column == "orders_count" and whole == 1:
        return language.say("Ordered at least once" if operator.startswith(">") else "Ordered at most once")
    return language.say(at_least if operator.startswith(">") else at_most, n=whole, rest=100 - whole)
