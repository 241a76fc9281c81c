"""Numbering plans from libphonenumber's own metadata, as patterns that Polars can apply to columns of digits.

A plan is named by its region (`FR`), or by its calling code where the number belongs to no region (`800`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    REGION_CODE_FOR_NON_GEO_ENTITY,
    SUPPORTED_REGIONS,
    PhoneMetadata,
    PhoneNumberDesc,
)

#: Longer than any number that the library accepts.
_LONGEST = 24

REGIONS: frozenset[str] = frozenset(SUPPORTED_REGIONS)


@dataclass(frozen=True)
class Prefix:
    """What may stand before a number: plain digits where the plan has one way, else a pattern."""

    digits: str | None
    pattern: str


@dataclass(frozen=True)
class Rewriting:
    """A prefix that is replaced, when the given group of its pattern took part, and not just dropped."""

    group: int
    replacement: str


@dataclass(frozen=True)
class Kinds:
    """Numbers of one or several kinds (mobile, fixed line …)."""

    pattern: str
    #: Null where the pattern itself allows no other lengths.
    lengths: tuple[int, ...] | None


@dataclass(frozen=True)
class Plan:
    """How the numbers of one region, or of one calling code without region, are built."""

    region: str
    calling_code: str
    international_prefix: Prefix | None
    national_prefix: Prefix | None
    rewriting: Rewriting | None
    leading_digits: str | None
    general: Kinds
    general_lengths: tuple[int, ...]
    local_lengths: tuple[int, ...]
    kinds: tuple[Kinds, ...]


@cache
def plan_of(name: str) -> Plan:
    """The plan of that name."""
    metadata = _metadata(name)
    general = None if metadata is None else metadata.general_desc
    if metadata is None or general is None:
        msg = f"expected the name of a numbering plan, got: {name}"
        raise ValueError(msg)
    parsing = metadata.national_prefix_for_parsing
    return Plan(
        region=REGION_CODE_FOR_NON_GEO_ENTITY if name.isdigit() else name,
        calling_code=str(metadata.country_code),
        international_prefix=_prefix(metadata.international_prefix),
        national_prefix=_prefix(parsing),
        rewriting=_rewriting(parsing, metadata.national_prefix_transform_rule),
        leading_digits=f"^(?:{_ascii(metadata.leading_digits)})" if metadata.leading_digits else None,
        general=_kinds([general])[0],
        general_lengths=tuple(general.possible_length),
        local_lengths=tuple(general.possible_length_local_only),
        kinds=_kinds(_descriptions(metadata)),
    )


def plans_of_calling_code(calling_code: str) -> tuple[str, ...]:
    """The names of the plans that share a calling code, in the library's order: the main one first."""
    regions = COUNTRY_CODE_TO_REGION_CODE[int(calling_code)]
    return tuple(calling_code if region == REGION_CODE_FOR_NON_GEO_ENTITY else region for region in regions)


@cache
def main_plans() -> dict[str, str]:
    """Each three digits that an international number may begin with → the main plan of its calling code."""
    plans = {}
    for number in range(100, 1000):
        beginning = str(number)
        codes = [beginning[:length] for length in (1, 2, 3)]
        known = [code for code in codes if int(code) in COUNTRY_CODE_TO_REGION_CODE]
        if known:
            plans[beginning] = plans_of_calling_code(known[0])[0]
    return plans


@cache
def calling_codes() -> dict[str, str]:
    """Each region → its calling code."""
    return {region: plan_of(region).calling_code for region in REGIONS}


def _metadata(name: str) -> PhoneMetadata | None:
    if name.isdigit():
        return PhoneMetadata.metadata_for_nongeo_region(int(name))
    return PhoneMetadata.metadata_for_region(name)


def _descriptions(metadata: PhoneMetadata) -> list[PhoneNumberDesc | None]:
    descriptions = [
        metadata.premium_rate,
        metadata.toll_free,
        metadata.shared_cost,
        metadata.voip,
        metadata.personal_number,
        metadata.pager,
        metadata.uan,
        metadata.voicemail,
        metadata.fixed_line,
    ]
    return descriptions if metadata.same_mobile_and_fixed_line_pattern else [*descriptions, metadata.mobile]


def _kinds(descriptions: Iterable[PhoneNumberDesc | None]) -> tuple[Kinds, ...]:
    patterns: dict[tuple[int, ...] | None, list[str]] = {}
    for description in descriptions:
        if description is not None and description.national_number_pattern:
            pattern, lengths = description.national_number_pattern, tuple(description.possible_length)
            says_its_lengths = _lengths(pattern) <= set(lengths)
            patterns.setdefault(None if says_its_lengths else lengths, []).append(pattern)
    return tuple(Kinds(_whole("|".join(alternatives)), lengths) for lengths, alternatives in patterns.items())


def _lengths(pattern: str) -> set[int]:
    """How long the numbers can be that the pattern matches: with every digit the same, only lengths matter."""
    any_digit = re.sub(r"\[[^]]*\]|\\d|(\{[0-9,]+\})|[0-9]", lambda match: match[1] or "0", pattern)
    return {length for length in range(_LONGEST + 1) if re.fullmatch(any_digit, "0" * length)}


def _prefix(pattern: str | None) -> Prefix | None:
    if not pattern:
        return None
    return Prefix(digits=pattern if pattern.isdigit() else None, pattern=f"^(?:{_ascii(pattern)})")


def _rewriting(pattern: str | None, rule: str | None) -> Rewriting | None:
    if not pattern or not rule:
        return None
    return Rewriting(group=re.compile(pattern).groups, replacement=re.sub(r"\\(\d)", r"${\1}", rule))


def _whole(pattern: str) -> str:
    return f"^(?:{_ascii(pattern)})$"


def _ascii(pattern: str) -> str:
    return pattern.replace(r"\d", "[0-9]")
