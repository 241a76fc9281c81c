"""Which column of orders holds customers' ids, by its values, where no name tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pipelines.crm.guess.columns import Match
from pipelines.crm.guess.files import FoundTable
from pipelines.crm.guess.names import is_id_of_a_person, speaks_of_something_else, squashed
from pipelines.crm.guess.shapes import Values, filled, ids_in, is_key, is_nested

#: From this share on, values speak for a column.
_SPEAKING = 0.9
#: A column that more rows leave blank says something of a few orders, such as who sent the customer.
_FILLED = 0.5
#: So many different ids, and such a share of all, are not those of a few people who sell.
_MANY, _MANY_OF_ALL = 10, 0.1
#: Shorter numbers are counted from 1, as quantities and the ids of any table are: they are alike by chance.
_LONG = 9


class Linked(NamedTuple):
    """The columns of orders that are ours, with whose they are."""

    matched: dict[str, Match]
    #: The columns that hold customers' ids alike, so that only a person can say which of them bought.
    several: tuple[str, ...] = ()


def linked(
    found: FoundTable, matched: Mapping[str, Match], customers: FoundTable, theirs: Mapping[str, Match]
) -> Linked:
    """With the column that holds the ids of `customers`, where none is called so, or the one that is holds no such id.

    The sample's ids are looked up among all customers: the first orders are seldom those of the first customers.
    """
    if "customer_id" not in theirs:
        return Linked({**matched})
    named, own = matched.get("customer_id"), theirs["customer_id"].name
    if named is not None and _meets(found.columns[named.name], frozenset(ids_in(customers.columns[own]))):
        return Linked({**matched})
    taken = {match.name for column, match in matched.items() if column != "customer_id"}
    asked = {name: values for name, values in found.columns.items() if name not in taken and _may_link(name, values)}
    among = {value for values in asked.values() for value in ids_in(values)}
    held = customers.held(own, among | {*ids_in(found.columns[named.name] if named is not None else ())})
    if named is not None and _meets(found.columns[named.name], held):
        return Linked({**matched})
    fitting = [name for name, values in asked.items() if _fits(name, ids_in(values), held)]
    told = [name for name in fitting if is_id_of_a_person(name)] or fitting
    if len(told) == 1:
        return Linked({**matched, "customer_id": Match(told[0], 0, by_values=True)})
    return Linked({**matched}, tuple(told))


def by_the_same_name(customers: FoundTable, own: Match, link: Match) -> Match:
    """Customers' id by the very column that orders name them by, if it is a key there."""
    if squashed(link.name) == squashed(own.name):
        return own
    same = (name for name in customers.columns if squashed(name) == squashed(link.name))
    return next((Match(name, 0) for name in same if is_key(customers.columns[name])), own)


def _meets(values: Values, ids: frozenset[str]) -> bool:
    return not ids.isdisjoint(ids_in(values))


def _may_link(name: str, values: Values) -> bool:
    """Whether a column may say who bought: most orders have it, and it is by name nobody else's."""
    mostly = len(filled(values)) >= _FILLED * len(values)
    return mostly and not is_nested(values) and not speaks_of_something_else(name)


def _fits(name: str, ids: list[str], held: frozenset[str]) -> bool:
    """Whether nearly all ids are customers', and not by chance."""
    if not ids or sum(value in held for value in ids) < _SPEAKING * len(ids):
        return False
    by_name, counted = is_id_of_a_person(name), any(value.isdigit() and len(value) < _LONG for value in ids)
    many = len({*ids}) >= max(_MANY, _MANY_OF_ALL * len(ids))
    return (by_name or many) and (not counted or (by_name and many))
