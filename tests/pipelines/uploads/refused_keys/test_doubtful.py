"""Refused keys are found where identifiers lie: they must be those that the kernel gives of everybody."""

from __future__ import annotations

from unittest.mock import patch

import polars as pl
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.warehouse import Warehouse
from pipelines.customers.people import people
from pipelines.customers.records import canonical_records
from pipelines.customers.refused_emails import REFUSED_EMAILS
from pipelines.identifiers.canonical import with_canonical
from pipelines.identifiers.identifiers import identifiers
from pipelines.identifiers.stored import NO_DIGESTS, stored_identifiers
from pipelines.uploads.refused_keys import key_marks
from pipelines.uploads.refused_keys.doubtful import is_forbidding, weigh_keys
from pipelines.uploads.refused_keys.keys import refused_keys
from pipelines.uploads.refused_keys.weighed import weighing_rules
from schemas.customers import Permissions
from tests.pipelines.uploads.refused_keys.test_keys import COLUMNS, DOE, IDENTITY_KEY, NETWORKS, SETTINGS, crm, erased

#: Few, so that people share them, some only at Google; a digest is that of another's e-mail.
EMAILS = (
    "jane.doe@gmail.com", "janedoe@gmail.com", "jane@example.com",
    "8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d", None,
)  # fmt: skip
PHONES = ("06 12 34 56 78", "+33612345678", "+33687654321", None)
NAMES = ("Jane", "Jo", "Al")

record = st.tuples(st.sampled_from(EMAILS), st.sampled_from(PHONES), st.sampled_from(NAMES), st.booleans())
#: The networks that each person may be sent to.
sent_to = st.lists(st.sets(st.sampled_from(sorted(NETWORKS))), min_size=8, max_size=8)
#: E-mails that are refused on all networks or on one.
refused_somewhere = st.lists(st.tuples(st.sampled_from([None, *NETWORKS]), st.sampled_from(EMAILS[:3])), max_size=2)


@given(
    st.lists(record, min_size=2, max_size=8),
    sent_to,
    st.sampled_from([None, *EMAILS[:3]]),
    refused_somewhere,
)
@example([(EMAILS[2], None, "Jane", False), (EMAILS[3], None, "Jo", False)], [{"meta"}, set()], None, [])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_keys_found_in_the_warehouse_are_those_that_all_identifiers_give(
    warehouse: Warehouse,
    rows: list[tuple[str | None, str | None, str, bool]],
    allowed: list[set[str]],
    forgotten: str | None,
    refused: list[tuple[str | None, str]],
) -> None:
    records = crm(
        *(
            {
                "customer_id": f"c{number}",
                "email": email,
                "phone": phone,
                **(DOE if located else {}),
                "first_name": name,
            }
            for number, (email, phone, name, located) in enumerate(rows)
        )
    )
    canonical = with_canonical(records, default_country="FR", prehashed={"email": "sha256"})
    persons = people(canonical_records(canonical, SETTINGS.joining), SETTINGS.joining, identity_key=IDENTITY_KEY)
    held = identifiers(persons, COLUMNS)
    permitted = pl.DataFrame(
        [
            {"person_id": person, "network": name, "assumed": False, "by_other_purpose": False}
            for person, names in zip(sorted(set(persons["person_id"])), allowed, strict=False)
            for name in names
        ],
        schema=dict(Permissions.create_empty().schema),
    )
    requests: list[dict[str, object]] = [] if forgotten is None else [{"email": forgotten}]
    stones = erased(*requests, records=records)
    emails = pl.DataFrame(refused, REFUSED_EMAILS, orient="row")
    for table, frame in {**stored_identifiers(held, COLUMNS, NO_DIGESTS), "permissions": permitted}.items():
        warehouse.replace(table, frame)

    with patch.object(key_marks, "_ROWS_AT_ONCE", 3):
        rules = weighing_rules(NETWORKS, forbidding=is_forbidding(stones, emails))
        found = weigh_keys(warehouse, NETWORKS, stones, IDENTITY_KEY, emails, rules)

    assert found.refused.equals(refused_keys(held, permitted, stones, NETWORKS, IDENTITY_KEY, emails))
