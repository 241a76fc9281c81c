"""What a table's or a column's name says it holds, whatever its language, case and separators."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal
from unicodedata import combining, normalize

from pipelines.crm.guess.zones import without_zone
from schemas.source import TableName

Kind = TableName | Literal["other", "suppressions"]

#: Ranks of names that are no synonym by themselves come after those that are.
_BEHIND_AFFIX, _AROUND, OTHER_PLACE = 10_000, 5_000, 20_000

#: From so many letters on, a word for suppressions may end a compound: a `Kundensperrliste` is one, and what is
#: `unblocked` is not.
_LONG = 9

#: Words that only join others: `date_de_naissance`, `Date of birth`.
_SMALL_WORDS = frozenset("of the de du des d l di del della dei van der den".split())  # noqa: SIM905

#: Columns that an affix of a place may accompany: an address_id is no customer's id.
_AT_A_PLACE = frozenset(
    {"email", "phone", "first_name", "last_name", "street", "city", "region", "postal_code", "country"}
)

#: First and last names whose word alone may be the whole name; true only beside the other one.
PAIRED = {"first_name": frozenset({"name", "nombre", "nome"}), "last_name": frozenset({"name", "naam", "nom"})}


@cache
def vocabulary() -> dict[str, Any]:
    """The lists of names.toml."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def words(name: str) -> list[str]:
    """A name's words in lower case without accents: `PostalCode` and `postal code` are postal, code."""
    plain = "".join(letter for letter in normalize("NFKD", name.replace("ß", "ss")) if not combining(letter))
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    return re.findall(r"[a-z]+|\d+", spaced.lower())


@cache
def squashed(name: str) -> str:
    """A name's words as one, without small words: two spellings of a name are equal."""
    every = words(name)
    return "".join([word for word in every if word not in _SMALL_WORDS] or every)


def kind(name: str) -> Kind | None:
    """Which CRM table a file or table is by its name: `suppressions` for a list of whom not to upload, `other` for none
    of ours either, None if the name does not say.
    """
    found = {_kind_of_word(word) for word in words(name)} - {None}
    if "consents" not in found and _lists_suppressions(name, of_orders="orders" in found):
        return "suppressions"
    if "lines" in found and found != {"lines", "customers"}:
        return "other"
    # `commandes_clients` and `customer_orders` are orders: the rarer word speaks.
    for table in ("other", "erasures", "consents", "law", "visits", "orders", "customers"):
        if table in found:
            return "erasures" if table == "law" else table
    return None


def rank(table: TableName, column: str, name: str) -> int | None:
    """How well a source column's name fits a contract column, 0 best; None if it is not known for it."""
    ranks = _ranks(table)[column]
    key = squashed(without_zone(name))
    # HubSpot's columns begin with property_, Salesforce's own ones end in __c.
    for form in (key, key.removeprefix("property"), key.removesuffix("c") if name.endswith("_c") else key):
        if form in ranks:
            return ranks[form]
    if table != "customers" or column == "customer_id":
        return None
    groups = _affixes(column in _AT_A_PLACE)
    for affixes, behind in groups:
        for rest in _rests(key, affixes):
            if _is_known(column, rest):
                return behind + ranks[rest]
    # Whose it is stands around where: `Person - Email - Work`. The e-mail of an `Other contact` is another's.
    for affixes, behind in groups:
        for rest in (further for once in _rests(key, groups[0][0]) for further in _rests(once, affixes)):
            if _is_known(column, rest):
                return _AROUND + behind + ranks[rest]
    return None


def _rests(key: str, affixes: tuple[str, ...]) -> list[str]:
    """What is left of a name without any one affix."""
    return [
        rest
        for affix in affixes
        for rest in (key.removeprefix(affix), key.removesuffix(affix))
        if rest not in {key, ""}
    ]


def _is_known(column: str, rest: str) -> bool:
    """Whether what is left of a customers' column's name says alone which it is."""
    return rest in _ranks("customers")[column] and rest not in PAIRED.get(column, ())


def known_columns(table: TableName) -> tuple[str, ...]:
    """The contract's columns of a table; for orders also `email`, by which a person can be found, and what tells of
    orders called off and money given back.
    """
    return tuple(vocabulary()["columns"][table])


def marked(
    names: list[str],
    mark: Literal[
        "called_off", "consent", "given_back", "left_out", "limits_a_statement", "mobile", "refuses", "whole_name"
    ],
) -> list[str]:
    """The columns that speak of consent or refusals, of orders called off or money given back, that mark rows one may
    want to leave out, that say until or from when a statement holds, or that hold mobiles or whole names.
    """
    signs = vocabulary()["marks"][mark]
    if mark not in {"left_out", "whole_name"}:
        return [name for name in names if any(sign in squashed(name) for sign in signs)]
    return [name for name in names if squashed(name) in signs]


def is_of_orders(name: str) -> bool:
    """Whether a name has a word for orders: `order_currency_code`."""
    return not set(words(name)).isdisjoint(map(squashed, vocabulary()["order"]))


def speaks_of_ads(text: str) -> bool:
    """Whether a column's name or one of its values speaks of ads."""
    return bool(set(vocabulary()["marks"]["ads"]) & set(words(text)))


def speaks_of_something_else(name: str) -> bool:
    """Whether a column is, by its name, somebody else's address or another time or amount than the order's."""
    return bool(set(vocabulary()["marks"]["something_else"]) & set(words(name)))


def is_id_of_a_person(name: str) -> bool:
    """Whether a name ends in a person's word and one for an id: `Deal - Contact person ID`, `Customer/External ID`.

    That of a customer's group is none, nor is a sales person's.
    """
    every = [word for word in words(name) if word not in _SMALL_WORDS]
    if not every or every.pop() not in vocabulary()["key"]:
        return False
    while every and every[-1] in vocabulary()["marks"]["between"]:
        every.pop()
    persons = set(map(squashed, vocabulary()["person"]))
    return not persons.isdisjoint(every[-1:]) and set(every[-2:-1]).isdisjoint(vocabulary()["marks"]["of_staff"])


def may_list_suppressions(name: str) -> bool:
    """Whether a table is, by its name, either tidied data or addresses that a mailing took out."""
    return not set(words(name)).isdisjoint(vocabulary()["suppressions"]["perhaps"])


@cache
def _kind_of_word(word: str) -> str | None:
    """`lines`, `law`, a `Kind` or None; a compound is what it ends in, else what it begins with (`kundendaten`)."""
    tables = {squashed(known): table for table, every in vocabulary()["tables"].items() for known in every}
    if word in vocabulary()["brands"] or word in tables:
        return tables.get(word)
    long = sorted((known for known in tables if len(known) > 4), key=len, reverse=True)
    for known in long:
        if word.endswith(known):
            return tables[known]
    return next((tables[known] for known in long if word.startswith(known)), None)


def _lists_suppressions(name: str, *, of_orders: bool) -> bool:
    """Whether some words of a name, run together, say that the table lists whom not to upload."""
    every = [word for word in words(name) if word not in _SMALL_WORDS]
    lists = vocabulary()["suppressions"]
    known = {squashed(form) for form in lists["always"] + ([] if of_orders else lists["unless_orders"])}
    long = tuple(form for form in known if len(form) >= _LONG)
    for start, before in enumerate(["", *every[:-1]]):
        runs = {"".join(every[start:end]) for end in range(start + 1, len(every) + 1)}
        if before not in lists["negated_by"] and (runs & known or every[start].endswith(long)):
            return True
    return False


@cache
def _ranks(table: TableName) -> dict[str, dict[str, int]]:
    """Per contract column: squashed synonym → rank."""
    ranks: dict[str, dict[str, int]] = {}
    for column, synonyms in vocabulary()["columns"][table].items():
        expanded = [squashed(form) for synonym in synonyms for form in _expanded(synonym)]
        ranks[column] = {}
        for place, form in enumerate(expanded):
            ranks[column].setdefault(form, place)
    return ranks


def _expanded(synonym: str) -> list[str]:
    """The synonym with each {person}, {order} and {key} filled in by each of their words."""
    place = re.search(r"\{(person|order|key)\}", synonym)
    if place is None:
        return [synonym]
    filled = [synonym.replace(place[0], word, 1) for word in vocabulary()[place[1]]]
    return [form for each in filled for form in _expanded(each)]


@cache
def _affixes(at_a_place: bool) -> tuple[tuple[tuple[str, ...], int], ...]:
    """Affixes to strip with what they cost, longest first."""
    groups = [(vocabulary()["person"], _BEHIND_AFFIX)]
    if at_a_place:
        groups = [(vocabulary()["person"] + vocabulary()["affixes"]["place"], _BEHIND_AFFIX)]
        groups.append((vocabulary()["affixes"]["other_place"], OTHER_PLACE))
    return tuple(
        (tuple(sorted({squashed(affix) for affix in affixes}, key=len, reverse=True)), behind)
        for affixes, behind in groups
    )
