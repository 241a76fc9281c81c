"""Vectors against our forms: passed, failed, or skipped for a reason."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from datetime import date
from typing import Literal, NamedTuple, cast

from phonenumbers import region_code_for_country_code

from pipelines.conformance.rules import RULES, column_of, network_name
from pipelines.conformance.set_aside import RuleName, set_aside
from pipelines.identifiers.normalise import Normalised, Typed, normalised
from pipelines.identifiers.persons.birth_dates import Order
from schemas.identifiers import Hash, MatchColumn
from schemas.vectors import Vector

Verdict = Literal["passed", "failed", "skipped", "reported"]

#: How the vectors call a digest → how we do.
_HASHES: dict[str, Hash] = {"sha256": "sha256", "md5": "md5", "sha1": "sha1", "sha256(md5)": "sha256_of_md5"}

#: General corpora of e-mail syntax judge another question: what a mail program may accept.
_REPORTED = "none ("


class Score(NamedTuple):
    """One row's verdict; `reason` says why a row was skipped, or what differs."""

    vector: Vector
    verdict: Verdict
    reason: str | None = None
    ours: Normalised | None = None


class Count(NamedTuple):
    """A file's rows of one network and field."""

    network: str
    field: str
    passed: int
    failed: int
    skipped: dict[str, int]
    reported: dict[str, int]


def scores(vectors: list[Vector], *, today: date) -> list[Score]:
    """A verdict for each row, in order. `today` bounds dates of birth.

    A row with a mark in its note, of a network, field or hash that relance does not know, or under a rule of
    `docs/conformance.md` is skipped with the reason, and never passed. A hash given as input is scored as if declared.
    """
    asked: dict[tuple[MatchColumn, Hash], list[int]] = {}
    found: list[Score | None] = [None] * len(vectors)
    for at, vector in enumerate(vectors):
        plan = _plan(vector)
        if isinstance(plan, str):
            found[at] = Score(vector, "skipped", plan)
        else:
            asked.setdefault(plan, []).append(at)
    for (column, how), places in asked.items():
        typed = [typed_of(vectors[at]) for at in places]
        ours = normalised(typed, column, how, today=today, declared_prehashed=True)
        for at, result in zip(places, ours, strict=True):
            found[at] = _score(vectors[at], column, result, today)
    return _without_contradictions([score for score in found if score is not None])


def counted(scored: list[Score]) -> list[Count]:
    """Passed, failed and skipped by network and field, in the order of the names."""
    keys = sorted({(score.vector.network, score.vector.field) for score in scored})
    return [
        Count(
            network,
            field,
            sum(score.verdict == "passed" for score in of_key),
            sum(score.verdict == "failed" for score in of_key),
            dict(sorted(Counter(score.reason or "" for score in of_key if score.verdict == "skipped").items())),
            dict(sorted(Counter(score.reason or "" for score in of_key if score.verdict == "reported").items())),
        )
        for network, field in keys
        for of_key in [[score for score in scored if (score.vector.network, score.vector.field) == (network, field)]]
    ]


def _plan(vector: Vector) -> tuple[MatchColumn, Hash] | str:
    """The column and hash to score the row with, or why not."""
    if vector.token is not None:
        return f"its note says {vector.token}"
    column = _column(vector)
    if isinstance(column, str):
        return column
    if not _is_text(vector.input):
        return "its input is no text"
    if not vector.says_something:
        return "it says nothing"
    algorithm = (vector.hash_alg or "sha256").lower()
    if algorithm not in _HASHES and vector.hash is not None:
        return f"relance makes no {vector.hash_alg}"
    return column, _HASHES.get(algorithm, "sha256")


def _column(vector: Vector) -> MatchColumn | str:
    if vector.network.startswith(_REPORTED) and vector.field == "email":
        return MatchColumn("email", "plain", "none")
    name = network_name(vector.network)
    column = column_of(name, vector.field, hashed=vector.hash is not None)
    if column is not None:
        return column
    return f"relance knows no field {vector.field} there" if name in RULES else f"relance knows no network {name}"


def _is_text(value: object) -> bool:
    if isinstance(value, str):
        # JSON can hold half a surrogate pair, which is no text.
        return value.encode(errors="ignore").decode() == value
    return value is None or isinstance(value, int | float)


def typed_of(vector: Vector) -> Typed:
    """The row's value with what its context says beside it."""
    country = vector.of_context("default_region") or vector.of_context("country")
    calling_code = vector.of_context("default_country_code")
    if country is None and calling_code is not None and calling_code.strip("+").isdigit():
        region = region_code_for_country_code(int(calling_code.strip("+")))
        country = region if region.isalpha() and region != "ZZ" else None
    order = (vector.of_context("order") or "").upper()
    return Typed(
        text=None if vector.input is None else str(vector.input),
        country=country,
        order=cast("Order", order) if order in {"DMY", "MDY", "YMD"} else None,
        ad_id_type=(vector.of_context("maid_type") or "").lower() or None,
    )


def _score(vector: Vector, column: MatchColumn, ours: Normalised, today: date) -> Score:
    difference = _difference(vector, ours)
    if vector.network.startswith(_REPORTED):
        judged_alike = vector.is_refusal == (ours.refusal is not None and ours.refusal != "placeholder")
        return Score(vector, "reported", "judged alike" if judged_alike else "judged otherwise", ours)
    rule: RuleName | None = set_aside(vector, column, ours, today)
    if rule is not None:
        return Score(vector, "skipped", f"set aside: {rule}", ours)
    return Score(vector, "failed" if difference else "passed", difference, ours)


def _difference(vector: Vector, ours: Normalised) -> str | None:
    """What the row says and we do not; None if we agree. Digests are compared as bytes, however they are written."""
    if vector.is_refusal:
        return None if ours.digest is None else "refused there, accepted here"
    if ours.digest is None:
        return f"accepted there, refused here: {ours.refusal}"
    shown = ours.value if ours.value is not None else ours.digest
    if vector.normalized is not None:
        same = vector.normalized == shown or (ours.value is None and vector.normalized.lower() == shown)
        if not same:
            return "another normal form"
    if vector.hash is not None and _hex(vector.hash) != ours.digest:
        return "another digest"
    return None


def _hex(digest: str) -> str:
    if len(digest) in {32, 40, 64}:
        return digest.lower()
    try:
        return base64.b64decode(digest, validate=True).hex()
    except (binascii.Error, ValueError):
        return digest


def _without_contradictions(scored: list[Score]) -> list[Score]:
    """A failed row that a passed one contradicts is set aside: both cannot pass."""
    passed: dict[tuple[str, ...], list[Vector]] = {}
    for score in scored:
        if score.verdict == "passed":
            passed.setdefault(_question(score.vector), []).append(score.vector)
    return [
        score._replace(verdict="skipped", reason="set aside: contradicts_another_row")
        if score.verdict == "failed"
        and any(_contradict(score.vector, other) for other in passed.get(_question(score.vector), ()))
        else score
        for score in scored
    ]


def _question(vector: Vector) -> tuple[str, ...]:
    return network_name(vector.network), vector.field, str(vector.input), repr(vector.context or None)


def _contradict(one: Vector, other: Vector) -> bool:
    if one.is_refusal or other.is_refusal:
        return one.is_refusal != other.is_refusal
    if one.normalized is not None and other.normalized is not None and one.normalized != other.normalized:
        return True
    same_algorithm = (one.hash_alg or "sha256") == (other.hash_alg or "sha256")
    return same_algorithm and one.hash is not None and other.hash is not None and _hex(one.hash) != _hex(other.hash)
