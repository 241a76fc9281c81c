"""A key is forbidden where the network would take it for the erased person's, and nowhere else."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.matching import hashed_address
from pipelines.tombstones.forbidden import tombstoned
from schemas.identifiers import MatchColumn
from schemas.network import networks
from tests.pipelines.tombstones.test_tombstones import KEY, request, stones

GOOGLE, META = (networks()[name].allowing(()) for name in ("google_ads", "meta"))


def keys(form: str, *emails: str, name: str = "email") -> pl.DataFrame:
    shown = hashed_address(pl.Series(list(emails), dtype=pl.String), MatchColumn("email", form, "sha256"))
    return pl.DataFrame({"key": [name] * len(emails), "value": shown})


def test_one_gmail_mailbox_is_one_key_at_google_and_two_at_meta() -> None:
    erased = stones(request(email="jane.doe@gmail.com"))
    twins = ("janedoe@gmail.com", "jane.doe@gmail.com", "john@gmail.com")
    at_google = tombstoned(keys("google", *twins), network=GOOGLE, erasures=erased, identity_key=KEY)
    at_meta = tombstoned(keys("plain", *twins), network=META, erasures=erased, identity_key=KEY)
    assert at_google.to_list() == [True, True, False]
    assert at_meta.to_list() == [False, True, False]


def test_a_key_of_another_kind_is_not_taken_for_the_address() -> None:
    erased = stones(request(email="jane@x.fr"))
    strange = keys("plain", "jane@x.fr", name="phone")
    assert tombstoned(strange, network=META, erasures=erased, identity_key=KEY).to_list() == [False]


def test_a_key_that_the_network_has_no_more_is_compared_in_every_form() -> None:
    erased = stones(request(email="jane@x.fr"))
    old = keys("plain", "jane@x.fr", "john@x.fr", name="email_of_an_older_template")
    assert tombstoned(old, network=META, erasures=erased, identity_key=KEY).to_list() == [True, False]


def test_without_requests_no_key_is_forbidden() -> None:
    for erased in (stones(), stones(request(email="jane@x.fr"))):
        nothing = keys("plain").clear()
        assert tombstoned(nothing, network=META, erasures=erased, identity_key=KEY).is_empty()
    assert tombstoned(keys("plain", "a@x.fr"), network=META, erasures=stones(), identity_key=KEY).to_list() == [False]
