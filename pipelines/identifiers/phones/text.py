"""What the text of a phone field says before any numbering plan is asked: rules that both paths share.

The patterns are written for Python's and for Rust's regular expressions alike.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Refusal = Literal["blank", "placeholder", "no_country", "bare_plus", "several_numbers", "not_a_number", "not_valid"]

#: The text begins as an international number.
INTERNATIONAL = r"^[^0-9+]*(?:\+|00)"
#: At least six digits on both sides of a separator.
TWO_NUMBERS = r"(?:[0-9][^0-9]*){6}(?:[/;,]|\s(?:or|ou)\s)(?:[^0-9]*[0-9]){6}"
#: The same where the left side begins as an international number: `+49 (0)171/1234567` is one number.
TWO_INTERNATIONAL_NUMBERS = r"^[^0-9+]*(?:\+|00)(?:[^0-9]*[0-9]){8}.*(?:[/;,]|\s(?:or|ou)\s)(?:[^0-9]*[0-9]){6}"
#: Digits that nobody was given.
PLACEHOLDER = r"^(?:0+|1+|2+|3+|4+|5+|6+|7+|8+|9+|1234567890|0123456789)$"
#: How spreadsheets mark what is text and no number; shop exports keep the mark.
APOSTROPHE = r"^'\s*"
#: What people write before a number, in the languages of our users; it says nothing about the number. Meta's lead forms
#: export `p:+33612345678`.
LABEL = (
    r"(?i)^\s*(?:(?:t[eé]l(?:[eé]phone|efon|efono|efoon)?|telem[oó]vel|phone|mobil(?:e|telefon|nummer)?|mob|m[oó]vil"
    r"|cel(?:l|lulare|ular)?|gsm|handy|portable|whatsapp|ph)\b|p:)[\s.:]*"
)
#: A number that went through a column of decimals, which added zeros to its digits; a select may have added the plus.
DECIMAL = r"^\+?[0-9]+\.00?$"
#: An extension that says so, at the end. It is dropped and the number kept (verdict on Reddit's rule, in the vectors).
EXTENSION = r"""(?ix)
    [\s,]*
    (?:
        ;ext=[0-9]{1,20}
        | (?:e?xt(?:ensi(?:o\u0301?|ó))?n?|poste|anexo|доб)[:.]?[\s,-]*[0-9]{1,20}\#?
        | (?:wewn?|durchwahl|dw|app(?:arat)?|toestel|tst|interno|ramal|ankn|linka|klapka)[:.]?[\s,-]*[0-9]{1,9}\#?
        | (?:x|int|\#)[:.]?[\s,-]*[0-9]{1,9}\#?
    )$
"""
#: The long vowel mark of kana, full and half width: a letter to Unicode, but what Japanese keyboards give for a dash.
KANA_DASHES = "\u30fc\uff70"
#: A trunk prefix that the writer marked as not to be dialled from abroad.
OPTIONAL_TRUNK_PREFIX = "(0)"
#: The same before ten digits that may be an Italian mobile, which has no zero: of a landline the zero is a digit, so
#: that `(0)342 1234567` is two numbers.
ITALIAN_ZERO = r"\(0\)[^0-9]*3(?:[^0-9]*[0-9]){9}"
ITALIAN_REGIONS = ("IT", "VA")

_DIGEST = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})", re.IGNORECASE)
#: The longest text that the library reads.
LONGEST = 250
_FEWEST_DIGITS = 3
_SIGNS = str.maketrans({"\N{FULLWIDTH PLUS SIGN}": "+", **dict.fromkeys(KANA_DASHES, "-")})


def number_text(phone: str | None) -> tuple[str, Refusal | None]:
    """What is left of the field for the library: no label or named extension, ASCII digits; or why it is refused."""
    text = re.sub(APOSTROPHE, "", (phone or "").strip())
    text = re.sub(r"\s", " ", _ascii(re.sub(LABEL, "", text)))
    if not text:
        return text, "blank"
    if len(text) > LONGEST or _DIGEST.fullmatch(text) or re.search(DECIMAL, text):
        return text, "not_a_number"
    text = _without_extension(text)
    return text, _refusal(text)


def digits_of(text: str) -> str:
    """The digits alone."""
    return re.sub("[^0-9]", "", text)


def _without_extension(text: str) -> str:
    extension = re.search(EXTENSION, text)
    if extension is None or len(digits_of(text[: extension.start()])) < _FEWEST_DIGITS:
        return text
    return text[: extension.start()]


def _refusal(text: str) -> Refusal | None:
    two_numbers = TWO_INTERNATIONAL_NUMBERS if re.search(INTERNATIONAL, text) else TWO_NUMBERS
    if re.search(two_numbers, text, re.IGNORECASE):
        return "several_numbers"
    digits = digits_of(text)
    if not digits or any(character.isalpha() for character in text):
        return "not_a_number"
    return "placeholder" if re.search(PLACEHOLDER, digits) else None


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(character)) if character.isdecimal() else character
        for character in text.translate(_SIGNS)
    )
