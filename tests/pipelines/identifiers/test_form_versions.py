"""A form that changes what it returns must say so: its version is part of each manifest's rules version."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from pipelines.conformance.rules import FIELDS, RULES, column_of
from pipelines.conformance.scores import typed_of
from pipelines.conformance.vectors import read_vectors
from pipelines.identifiers.normalise import Typed, normalised
from schemas.identifiers import FORMS, MatchColumn

VECTORS = Path(__file__).parents[2] / "vectors"
GOLDEN = VECTORS / "forms.json"

#: The fields whose vectors are inputs for an identifier.
_IDENTIFIER = {
    field: column.identifier
    for network, fields in RULES.items()
    for field in fields
    if (column := column_of(network, field)) is not None
} | {"name": "last_name"}


#: What the vectors lack and forms once read otherwise: each was the reason for a raised version.
_LACKING = {
    "email": ["İstanbul@example.com"],
    "phone": ["+39 (0)342 1234567"],
    "last_name": ["Unbekannt"],
    "city": ["Inconnu"],
    "region": ["Unbekannt"],
    "postal_code": ["94100.0", "12345–6789", "٧٥٠٠٨"],
    "external_id": ["unknown"],
    "social_handle": ["unknown"],
}


@cache
def inputs(identifier: str) -> list[Typed]:
    """Every value of the identifier that the shipped vectors hold, each once, and what they lack."""
    found = dict.fromkeys(map(Typed, _LACKING.get(identifier, ())))
    for path in sorted(VECTORS.glob("*.jsonl")):
        for vector in read_vectors(path):
            if _IDENTIFIER.get(FIELDS.get(vector.field, vector.field)) == identifier:
                found[typed_of(vector)] = None
    if identifier in {"first_name", "age"}:
        return (
            inputs("last_name") if identifier == "first_name" else [Typed(text) for text in ("42", " 7 ", "130", "x")]
        )
    return list(found)


def digest(identifier: str, form: str) -> str:
    column = MatchColumn(identifier, form, "none")
    values = [found.value for found in normalised(inputs(identifier), column, today=date(2026, 11, 25))]
    return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()[:16]


@pytest.mark.parametrize(("identifier", "form"), [(name, form) for name, forms in FORMS.items() for form in forms])
def test_a_changed_form_has_a_raised_version(identifier: str, form: str) -> None:
    version = MatchColumn(identifier, form, "none").form_version
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert golden.get(f"{identifier} {form}") == [version, digest(identifier, form)], (
        f"{identifier} {form} returns something else than before: raise its version in schemas/identifiers.py and "
        f"write [version, {digest(identifier, form)!r}] into {GOLDEN.name}. If only vectors came or went, write the "
        "digest alone."
    )
