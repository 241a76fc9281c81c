"""`relance conformance` and `relance normalise`, as typed."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.main import app
from pipelines.identifiers.normalise import Typed, normalised
from schemas.network import networks

RIGHT = {"network": "meta", "field": "email", "input": " A@B.co", "normalized": "a@b.co", "valid": True}
WRONG = {**RIGHT, "normalized": "A@B.co"}


def vectors(folder: Path, *rows: dict[str, object]) -> str:
    path = folder / "v.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_a_file_that_passes_ends_well_and_one_that_fails_does_not(tmp_path: Path) -> None:
    assert run("conformance", vectors(tmp_path, RIGHT))[0] == 0
    code, output = run("conformance", vectors(tmp_path, RIGHT, WRONG, {**RIGHT, "network": "z"}))
    assert code == 0  # The wrong row is contradicted by the right one.
    assert "relance knows no network z" in output
    assert run("conformance", vectors(tmp_path, WRONG))[0] == 1


def test_failed_rows_are_shown_when_asked_for(tmp_path: Path) -> None:
    path = vectors(tmp_path, WRONG, {**WRONG, "input": "B@B.co"})
    assert "another normal form" not in run("conformance", path)[1]
    assert run("conformance", path, "--show-failures", "1")[1].count("another normal form") == 1


def test_the_json_counts_by_file_network_and_field(tmp_path: Path) -> None:
    path = vectors(tmp_path, WRONG, {**RIGHT, "input": "c@d.fr", "normalized": "c@d.fr"})
    code, output = run("conformance", path, "--json", "--show-failures", "9")
    found = json.loads(output)
    assert code == 1
    assert (found["passed"], found["failed"]) == (1, 1)
    assert found["networks"]["meta"]["failed"] == 1
    [count] = found["files"][0]["counts"]
    assert (count["network"], count["field"], count["passed"], count["failed"]) == ("meta", "email", 1, 1)
    assert [failure["line"] for failure in found["failures"]] == [1]


@pytest.mark.parametrize("text", [None, "{\n", "\x00\xff"])
def test_a_file_that_is_none_is_told_in_a_sentence(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "v.jsonl"
    if text is not None:
        path.write_text(text, encoding="latin-1")
    code, output = run("conformance", str(path))
    assert code == 2
    assert "Traceback" not in output


def test_a_value_is_shown_with_form_hash_and_flags() -> None:
    code, output = run("normalise", "google", "email", " Info.Doe+x@GMAIL.com")
    assert code == 0
    assert "infodoe@gmail.com" in output
    assert "db2cae78956f1f562a1e53c2fe3dd1f81292ed2eea9dd95720a5fc2a56760543" in output
    assert "role" in run("normalise", "meta", "email", "sales@shop.fr")[1]
    assert "33612345678" in run("normalise", "meta", "phone", "06 12 34 56 78", "--country", "France")[1]


@pytest.mark.parametrize("name", [name for name in networks()])
def test_a_value_is_shown_in_the_forms_that_the_network_s_own_files_hold(name: str) -> None:
    address, phone = ("Jane.Doe+x@gmail.com", "email"), ("+86 135 0000 0000", "phone")
    for text, field in (address, phone):
        matches = {match for each in networks()[name].columns for match in each.matches if match.identifier == field}
        for match in matches:
            [expected] = normalised([Typed(text)], match, today=date(2026, 11, 27))
            assert expected.digest is None or expected.digest in run("normalise", name, field, text)[1]


def test_a_value_that_no_file_may_hold_is_not_shown() -> None:
    code, output = run("normalise", "meta", "fn", "null")
    assert (code, "value:" in output, "no_value_in_this_form" in output) == (1, False, True)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("meta", "phone", "06 12 34 56 78"), 1, "no_country"),
        (("meta", "email", "none@none.com"), 1, "placeholder"),
        (("meta", "email", "d4" * 32), 1, "already_hashed"),
        (("atlantis", "email", "a@b.co"), 2, ""),
        (("meta", "soul", "a@b.co"), 2, ""),
        (("meta", "dob", "1/2/1990", "--order", "XYZ"), 2, ""),
    ],
)
def test_what_is_refused_is_told(arguments: tuple[str, ...], code: int, says: str) -> None:
    ended, output = run("normalise", *arguments)
    assert ended == code
    assert says in output
