"""Numbering plans from libphonenumber's own metadata, as patterns that Polars can apply to columns of digits.

A plan is named by its region (`FR`), or by its calling code where the number belongs to no region (`800`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    REGION_CODE_FOR_NON_GEO_ENTITY,
    SUPPORTED_REGIONS,
    PhoneMetadata,
    PhoneNumberDesc,
)

REGIONS: frozenset[str] = frozenset(SUPPORTED_REGIONS)

#: The kinds of numbers that nothing else can be, in the order in which the library tries them.
_SPECIAL_KINDS = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
#: A plan whose fixed lines differ more in length takes nearly any digits for a fixed line.
_WIDEST_CLOSED_PLAN = 3


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
class Form:
    """How numbers are built: a pattern for the whole number, and their lengths; none where the pattern is enough."""

    pattern: str
    lengths: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """How the numbers of one region, or of one calling code without region, are built."""

    region: str
    calling_code: str
    international_prefix: Prefix | None
    national_prefix: Prefix | None
    rewriting: Rewriting | None
    leading_digits: str | None
    general: Form
    local_lengths: tuple[int, ...]
    #: Kind → form, in the library's order.
    special_kinds: dict[str, Form]
    fixed_line: Form | None
    #: The same where the plan cannot tell them apart.
    mobile: Form | None

    @property
    def forms(self) -> tuple[Form, ...]:
        """The forms of all kinds."""
        return (*self.special_kinds.values(), *(form for form in (self.fixed_line, self.mobile) if form is not None))

    @property
    def dials_abroad_by_zeros(self) -> bool:
        """Whether `00`, and nothing else, is dialled before calling codes."""
        return self.international_prefix is not None and self.international_prefix.digits == "00"

    @property
    def is_open(self) -> bool:
        """Whether fixed lines are of so many lengths that the plan can hardly say which digits are one."""
        lengths = () if self.fixed_line is None else self.fixed_line.lengths or self.general.lengths
        return bool(lengths) and max(lengths) - min(lengths) > _WIDEST_CLOSED_PLAN


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
        general=Form(_whole(general.national_number_pattern or ""), tuple(general.possible_length)),
        local_lengths=tuple(general.possible_length_local_only),
        special_kinds={kind: form for kind in _SPECIAL_KINDS if (form := _form(getattr(metadata, kind))) is not None},
        fixed_line=_form(metadata.fixed_line),
        mobile=_form(metadata.fixed_line if metadata.same_mobile_and_fixed_line_pattern else metadata.mobile),
    )


def plans_of_calling_code(calling_code: str) -> tuple[str, ...]:
    """The names of the plans that share a calling code, in the library's order: the main one first."""
    regions = COUNTRY_CODE_TO_REGION_CODE[int(calling_code)]
    return tuple(calling_code if region == REGION_CODE_FOR_NON_GEO_ENTITY else region for region in regions)


@cache
def main_plans() -> dict[str, str]:
    """Each three digits that an international number may begin with → the main plan of its calling code."""
    return {beginning: plans_of_calling_code(code)[0] for beginning, code in codes_of_beginnings().items()}


@cache
def codes_of_beginnings() -> dict[str, str]:
    """Each three digits that an international number may begin with → the calling code among them."""
    codes = {}
    for beginning in map(str, range(100, 1000)):
        known = [length for length in (1, 2, 3) if int(beginning[:length]) in COUNTRY_CODE_TO_REGION_CODE]
        if known:
            codes[beginning] = beginning[: known[0]]
    return codes


def has_trunk_zero(calling_code: str) -> bool:
    """Whether it is a calling code in whose main plan a zero, and nothing else, is dialled before national numbers."""
    if calling_code not in calling_codes().values():
        return False
    prefix = plan_of(plans_of_calling_code(calling_code)[0]).national_prefix
    return prefix is not None and prefix.digits == "0"


@cache
def calling_codes() -> dict[str, str]:
    """Each region → its calling code."""
    return {region: str(code) for code, regions in COUNTRY_CODE_TO_REGION_CODE.items() for region in regions}


def _metadata(name: str) -> PhoneMetadata | None:
    if name.isdigit():
        return PhoneMetadata.metadata_for_nongeo_region(int(name))
    return PhoneMetadata.metadata_for_region(name)


def _form(description: PhoneNumberDesc | None) -> Form | None:
    if description is None or not description.national_number_pattern:
        return None
    return Form(_whole(description.national_number_pattern), tuple(description.possible_length))


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
