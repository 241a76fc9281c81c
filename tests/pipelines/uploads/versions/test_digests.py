"""What makes a version another one."""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.uploads.versions.digests import content_digest, full_digest, rules_version
from schemas.audit import AuditHead
from schemas.brake import SourceCounts
from schemas.network import networks
from schemas.network_file import Key, Region
from schemas.said import Said
from tests.pipelines.uploads.versions.test_manifest import FILES, MANIFEST, OLDER

OTHER: dict[str, object] = {
    "public_name": "other", "base": None, "rules_version": "s", "withheld": {}, "assumptions": (),
    "files": FILES[:3], "version": OLDER, "as_of": "2025-07-02", "adds": 1, "removes": 1, "forbidden": 1,
    "plan": (), "because": Said("any"), "sources": SourceCounts(rows={"orders": 1}), "reduced_from": OLDER,
    "account": "fr",
    "audit_head": AuditHead(line=1, hash="0"),
}  # fmt: skip
CONTENT = {"public_name", "base", "rules_version", "withheld", "assumptions", "files"}


@pytest.mark.parametrize("field", OTHER)
def test_a_version_is_another_by_what_it_holds_only(field: str) -> None:
    other = MANIFEST.model_copy(update={field: OTHER[field]})
    assert (content_digest(other) != content_digest(MANIFEST)) == (field in CONTENT)
    # Files that add and remove, and what they start from, are of the way there.
    assert (full_digest(other) != full_digest(MANIFEST)) == (field in CONTENT - {"base", "files"})
    if field == "files":
        assert full_digest(MANIFEST.model_copy(update={"files": FILES[1:]})) != full_digest(MANIFEST)


META = networks()["meta"]
ONE = META.columns[0]


@pytest.mark.parametrize(
    ("changes", "are_others"),
    [
        ({"file": META.file.model_copy(update={"newline": "\r\n"})}, True),
        ({"columns": (ONE.model_copy(update={"repeat": 2}), *META.columns[1:])}, True),
        ({"keys": (*META.keys[:-1], Key(name="given", headers=("fn",)))}, True),
        ({"all_or_none": (("fn", "ln"),)}, True),
        ({"required_any": (("email",),)}, True),
        ({"regions": (Region(name="fr", title="France", countries=("FR",)),)}, True),
        ({"title": "Facebook", "read": date(2020, 1, 1), "upload_steps": ("Click.",), "facts": META.facts[:1]}, False),
        ({"consent": {"ads_upload": ("everywhere",)}, "update_modes": ("full",), "membership_days": 9}, False),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_rules_are_others_when_keys_may_be_and_not_when_only_words_are(
    changes: dict[str, object], are_others: bool
) -> None:
    assert (rules_version(META.model_copy(update=changes)) != rules_version(META)) == are_others
