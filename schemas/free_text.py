"""Texts that people write and that are kept in the catalog, where nothing may say who somebody is."""

from __future__ import annotations

import re

#: Seven digits or more, as phone numbers are set apart: the shortest of them have so many.
_LIKE_A_PHONE = re.compile(r"\d(?:[\s.()/-]{0,3}\d){6,}")
#: More digits than these may be one all the same, or a hash.
_MOST_DIGITS = 12


def may_name_somebody(text: str) -> bool:
    """Whether an e-mail or a phone may stand in the text."""
    digits = sum(character.isdigit() for character in text)
    return "@" in text or digits > _MOST_DIGITS or _LIKE_A_PHONE.search(text) is not None
