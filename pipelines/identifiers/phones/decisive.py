"""How many of its first digits decide what a number is: behind them, only its length matters.

Numbering plans hand out numbers in blocks: `6(?:[0-24-8]\\d|3[0-8])\\d{6}` says all it has to say within three digits.
So numbers that share those digits and their length share everything, and it is enough to read one of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from pipelines.identifiers.phones.metadata import Plan, Prefix, main_plans, plan_of, plans_of_calling_code

#: All of its digits decide: more than any number has.
ALL = 99

_LONGEST = 18
_ANY_LENGTH = tuple(range(1, _LONGEST + 1))
#: Stands for any digit where a number's digits are not known.
_ANY = "?"
_ITEM = re.compile(r"\[[^]]*\]|(\{[0-9,]+\})|[0-9]")


@dataclass(frozen=True)
class _Alternative:
    """One of a pattern's top alternatives, how many digits it asks for before just any follow, and possible lengths."""

    pattern: str
    decisive: int
    lengths: tuple[int, ...]

    def may_match(self, beginning: str) -> bool:
        """Whether a number that begins so may match."""
        widened = _widened(self.pattern)
        return any(
            widened.fullmatch(beginning + _ANY * (length - len(beginning)))
            for length in self.lengths
            if length >= len(beginning)
        )


@cache
def decisive_digits(region: str | None, beginning: str, *, has_plus: bool) -> int:
    """How many first digits decide, for numbers dialled in the region that begin so (with four digits or more)."""
    found = [len(beginning)]
    if has_plus:
        found.append(_abroad(beginning))
    if region is not None:
        # A number with a plus is read without it as well, to see whether the plus is meant.
        found.append(_in_region(plan_of(region), beginning))
    if not has_plus and (region is None or beginning.startswith("00")):
        found.append(_after(2, _abroad(beginning[2:])))
    return max(found)


def _in_region(plan: Plan, beginning: str) -> int:
    found = [_national(plan, beginning)]
    for length in _taken(plan.international_prefix, beginning):
        rest = beginning[length:]
        found.append(_after(length, 1 if rest.startswith("0") else _abroad(rest)))
    if beginning.startswith(plan.calling_code):
        code, rest = len(plan.calling_code), beginning[len(plan.calling_code) :]
        main = plan_of(plans_of_calling_code(plan.calling_code)[0])
        for taken in (0, *_taken(plan.national_prefix, rest)):
            found += [_after(code + taken, _national(either, rest[taken:])) for either in (plan, main)]
    return max(found)


def _abroad(beginning: str) -> int:
    name = main_plans().get(beginning[:3])
    if name is None:
        # Too short to say whose code it is, or nobody's code.
        return 3 if len(beginning) >= 3 else ALL
    plan = plan_of(name)
    length = len(plan.calling_code)
    return _after(length, _national(plan, beginning[length:]))


def _national(plan: Plan, beginning: str) -> int:
    found = [_significant(plan.calling_code, beginning)]
    for length in _taken(plan.national_prefix, beginning):
        if plan.rewriting is not None and length > 1:
            return ALL
        found.append(_after(length, _significant(plan.calling_code, beginning[length:])))
    return max(found)


def _after(length: int, decisive: int) -> int:
    return min(length + decisive, ALL)


def _taken(prefix: Prefix | None, beginning: str) -> list[int]:
    """How many digits the prefix may take off numbers that begin so."""
    if prefix is None:
        return []
    longest = 0
    for alternative in _inner_alternatives(prefix.pattern):
        match = _widened(alternative).match(beginning + _ANY * _LONGEST)
        end = match.end() if match else 0
        # Beyond the known digits another way through the pattern may take more.
        longest = max(longest, end if end < len(beginning) else _extent(alternative.replace("$", ""))[1])
    return list(range(1, longest + 1))


@cache
def _significant(calling_code: str, beginning: str) -> int:
    """The same for a number without its prefixes, in all plans of its calling code."""
    for alternative in _alternatives(calling_code):
        if alternative.decisive <= len(beginning):
            break
        if alternative.may_match(beginning):
            return alternative.decisive
    return len(beginning)


@cache
def _alternatives(calling_code: str) -> list[_Alternative]:
    """Of all plans of the calling code, the longest asking first."""
    found: set[_Alternative] = set()
    for plan in map(plan_of, plans_of_calling_code(calling_code)):
        for form in plan.forms:
            for pattern in _inner_alternatives(form.pattern.removesuffix("$")):
                found.add(_Alternative(pattern, _asked(pattern), form.lengths or plan.general.lengths))
        for pattern in _inner_alternatives(plan.general.pattern.removesuffix("$")):
            found.add(_Alternative(pattern, _asked(pattern), _ANY_LENGTH))
        for pattern in _inner_alternatives(plan.leading_digits or ""):
            found.add(_Alternative(rf"{pattern}[0-9]*", _asked(pattern), _ANY_LENGTH))
    return sorted(found, key=lambda alternative: -alternative.decisive)


def _asked(pattern: str) -> int:
    """How far into a number the pattern asks for certain digits, at most; not for `[0-9]`."""
    return _extent(pattern)[0]


def _extent(pattern: str) -> tuple[int, int]:
    """That, and how many digits the pattern matches at most."""
    extents = []
    for alternative in _top_alternatives(pattern):
        asked, width, rest = 0, 0, alternative
        while rest:
            item, rest = _first_item(rest)
            repeated = re.match(r"\{(?:[0-9]+,)?([0-9]+)\}|\?|", rest)
            times = int(repeated[1] or 1) if repeated else 1
            rest = rest.removeprefix(repeated[0] if repeated else "")
            if item.startswith("("):
                inner_asked, inner = _extent(re.sub(r"^\((?:\?:)?|\)$", "", item))
            else:
                inner_asked, inner = int(item != "[0-9]"), 1
            if inner_asked:
                asked = width + (times - 1) * inner + inner_asked
            width += times * inner
        extents.append((asked, width))
    return max(asked for asked, _ in extents), max(width for _, width in extents)


def _first_item(pattern: str) -> tuple[str, str]:
    """A digit, a class or a group, and what follows."""
    if not pattern.startswith("("):
        end = pattern.index("]") + 1 if pattern.startswith("[") else 1
        return pattern[:end], pattern[end:]
    depth = 0
    for end, character in enumerate(pattern, start=1):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return pattern[:end], pattern[end:]
    raise ValueError(pattern)


@cache
def _widened(pattern: str) -> re.Pattern[str]:
    """The pattern, matching also what it might match if the unknown digits were known."""
    return re.compile(_ITEM.sub(lambda item: item[1] or f"[{item[0].strip('[]')}{_ANY}]", pattern.replace("$", "")))


def _inner_alternatives(pattern: str) -> list[str]:
    """`^(?:a|b(?:c|d))` → `a` and `b(?:c|d)`."""
    return _top_alternatives(pattern.removeprefix("^(?:").removesuffix(")"))


def _top_alternatives(pattern: str) -> list[str]:
    """`a(?:b|c)|d` → `a(?:b|c)` and `d`."""
    alternatives, depth = [""], 0
    for character in pattern:
        depth += (character == "(") - (character == ")")
        if character == "|" and depth == 0:
            alternatives.append("")
        else:
            alternatives[-1] += character
    return alternatives
