"""The rules that a row of the CRM can break, as `pipelines.crm` words them."""

from __future__ import annotations

import re

from schemas.said import Said

RULES: tuple[str, ...] = (
    "{column} missing",
    "{column} not allowed",
    "{column} unreadable",
    "{column} in the future",
    "{column} repeated",
    "no rate for {currency}",
    "line has too few columns",
    "line has too many columns",
    "names somebody not so",
)


def rule_said(rule: str) -> Said:
    """The rule that a row broke, as a sentence; in its own words if it is none of ours."""
    for sentence in RULES:
        found = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>\\w+)", sentence), rule)
        if found is not None:
            return Said(sentence, **found.groupdict())
    return Said(rule)
