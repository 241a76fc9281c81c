"""The conformance kit: what passes, what is skipped and why, and that what we ship passes."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from pipelines.conformance.rules import RULES, column_of, network_name
from pipelines.conformance.scores import Score, scores
from pipelines.conformance.set_aside import RuleName
from pipelines.conformance.vectors import read_vectors
from schemas.errors import ConfigError
from schemas.identifiers import FORMS
from schemas.network import networks
from schemas.vectors import NOT_SCORED, Vector
from tests.conftest import ROOT, SHARED

TODAY = date(2026, 11, 25)
SHIPPED = sorted((ROOT / "tests" / "vectors").glob("*.jsonl"))
COLLECTED = sorted((SHARED / "vectors").glob("*.jsonl"))
PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")

#: Of the vectors that we ship, those that a rule of docs/conformance.md sets aside.
JUDGED_WRONG = {
    "amazon": {"region_name_kept": 1}, "meta": {"country_name_refused": 1}, "reddit": {"ad_id_of_no_system": 1},
    "snap": {"ad_id_of_no_system": 4}, "tiktok": {"ad_id_of_no_system": 2},
}  # fmt: skip


def scored(*rows: dict[str, object]) -> list[Score]:
    filled = [{"network": "meta", "field": "email", "valid": True, **row} for row in rows]
    return scores([Vector.model_validate(row) for row in filled], today=TODAY)


def verdict(**row: object) -> tuple[str, str | None]:
    [score] = scored(row)
    return score.verdict, score.reason


@pytest.fixture(scope="module")
def collected() -> list[Score]:
    if not COLLECTED:
        pytest.skip(f"{SHARED / 'vectors'} is not there")
    return scores([vector for path in COLLECTED for vector in read_vectors(path)], today=TODAY)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_vector_that_we_ship_passes_or_is_judged_wrong(path: Path) -> None:
    results = scores(read_vectors(path), today=TODAY)
    assert results
    others = Counter(score.reason for score in results if score.verdict != "passed")
    assert others == {f"set aside: {rule}": count for rule, count in JUDGED_WRONG.get(path.stem, {}).items()}


def test_every_shipped_vector_says_where_it_is_from() -> None:
    assert all(vector.source for path in SHIPPED for vector in read_vectors(path))


def test_of_the_collected_vectors_at_least_98_percent_pass_on_every_network(collected: list[Score]) -> None:
    for network in {score.vector.network for score in collected}:
        counts = Counter(score.verdict for score in collected if score.vector.network == network)
        rows = counts["passed"] + counts["failed"]
        assert counts["failed"] <= max(1, 0.02 * rows) if rows < 50 else counts["failed"] <= 0.02 * rows, network


def test_the_page_names_every_row_that_is_set_aside(collected: list[Score]) -> None:
    found: dict[str, set[str]] = {}
    for score in collected:
        if score.reason is not None and score.reason.startswith("set aside: "):
            file, line = score.vector.place.rsplit(":", 1)
            found.setdefault(f"{score.reason.removeprefix('set aside: ')} {file}", set()).add(line)
    listed = {}
    for rule, file, lines in re.findall(r"^\| `(\w+)` \| `([\w.]+)` \| ([\d, ]+) \|$", PAGE, re.MULTILINE):
        listed[f"{rule} {file}"] = set(lines.split(", "))
    assert listed == found


@pytest.mark.parametrize("rule", [*get_args(RuleName), "contradicts_another_row"])
def test_the_page_gives_the_reason_of_every_rule(rule: str) -> None:
    assert re.search(rf"^\| `{rule}` \| [^`].*\w.* \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("token", NOT_SCORED)
def test_a_row_with_a_mark_in_its_note_is_not_scored(token: str) -> None:
    assert verdict(input="a@b.co", normalized="something else", note=f"x {token} y")[0] == "skipped"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"network": "atlantis"}, "relance knows no network atlantis"),
        ({"field": "soul"}, "relance knows no field soul there"),
        ({"input": ["a@b.co"]}, "its input is no text"),
        ({"input": "\ud800@b.co"}, "its input is no text"),
        ({"normalized": None}, "it says nothing"),
        ({"hash": "x", "hash_alg": "soundex"}, "relance makes no soundex"),
    ],
)
def test_what_relance_does_not_know_is_skipped_and_never_passed(row: dict[str, object], reason: str) -> None:
    assert verdict(**{"input": "a@b.co", "normalized": "a@b.co", **row}) == ("skipped", reason)


def test_a_wrong_form_a_wrong_digest_and_a_wrong_refusal_fail() -> None:
    rows = [
        {"input": "A@B.co", "normalized": "A@B.co"},
        {"input": "a@b.co", "normalized": "a@b.co", "hash": "0" * 64, "hash_alg": "sha256"},
        {"input": "a@b.co", "normalized": None, "valid": False},
        {"field": "gender", "input": "whale", "normalized": "m"},
    ]
    assert [score.verdict for score in scored(*rows)] == ["failed"] * 4


def test_a_digest_counts_however_it_is_written() -> None:
    hexed = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"
    for digest in (hexed, hexed.upper(), "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ="):
        assert verdict(network="uid2", input="User@example.com", hash=digest)[0] == "passed"


def test_a_hash_given_as_input_is_scored_as_if_declared_where_the_form_is_the_plain_one() -> None:
    digest = "AB" * 32
    assert verdict(input=digest, normalized=digest)[0] == "passed"
    assert verdict(network="reddit", input=digest, hash=digest.lower()) == ("skipped", "set aside: already_hashed")
    assert verdict(field="city", input=digest, normalized=digest) == ("skipped", "set aside: already_hashed")


def test_of_two_rows_that_contradict_each_other_the_wrong_one_is_set_aside() -> None:
    right = {"field": "gender", "input": "female", "normalized": "f"}
    results = scored(right, {**right, "normalized": "m"})
    assert [score.verdict for score in results] == ["passed", "skipped"]


@pytest.mark.parametrize(
    "line", ["{", "[1]", '{"network": "meta"}', '{"network": 1, "field": "email", "input": "a"}', "null", '"x"']
)
def test_a_line_that_is_no_vector_is_told_by_file_and_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "v.jsonl"
    path.write_text('{"network": "meta", "field": "email", "input": "a"}\n\n' + line + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"v\.jsonl, line 3"):
        read_vectors(path)


def test_strange_but_readable_rows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "v.jsonl"
    rows = [
        {"network": "meta", "field": "zip", "input": 94035, "context": "US", "normalized": 94035, "extra": 1},
        {"network": "meta", "field": "email", "input": None, "valid": False, "note": None},
    ]
    path.write_text("\ufeff" + "\r\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    assert [score.verdict for score in scores(read_vectors(path), today=TODAY)] == ["passed", "passed"]


def test_the_kit_asks_for_the_forms_that_the_networks_files_declare() -> None:
    headers = {"email": "email", "phone": "phone", "first_name": "fn", "last_name": "ln", "city": "city",
               "region": "state", "postal_code": "zip", "country": "country", "gender": "gender"}  # fmt: skip
    for name in ("meta", "google_ads"):
        for column in networks()[name].columns:
            if column.identifier in headers:
                kit = column_of(name, headers[column.identifier])
                assert kit is not None
                assert kit.form == column.form, (name, column.header)


def test_every_rule_of_the_kit_is_a_form_that_exists() -> None:
    for network, fields in RULES.items():
        assert network_name(network) == network
        for field in fields:
            column = column_of(network, field)
            assert column is not None
            assert column.form in FORMS[column.identifier]
