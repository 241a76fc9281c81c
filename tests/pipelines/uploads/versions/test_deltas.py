"""Deltas, tried on a network that sees nothing but the files: it holds what the full files hold, whatever happened."""

from __future__ import annotations

import hashlib
import itertools
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from catalog.home import Home
from catalog.journal import confirmations
from catalog.secret_keys import SecretKeys, open_keys
from catalog.store import open_catalog
from catalog.warehouse import Warehouse, open_warehouse
from pipelines.holdings.audience_keys import ensure_keys
from pipelines.holdings.confirming import confirm, unconfirm
from pipelines.holdings.forbidden import nothing_forbidden
from pipelines.holdings.holdings import LISTED_KEYS, differences
from pipelines.holdings.open_lists import mark_of_new_list, open_lists
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.outstanding import outstanding
from pipelines.holdings.withdrawal import withdraw
from pipelines.uploads.rows.audience_rows import AudienceRows, audience_rows
from pipelines.uploads.versions.publication import Published
from pipelines.uploads.versions.state import state_of
from schemas.errors import JournalError
from schemas.identifiers import MatchColumn
from schemas.journal import UploadStep
from schemas.network import Network, match_columns, networks
from schemas.network_file import FileKind, MinimumRows
from schemas.segment import Audience, Segment
from schemas.settings import Settings
from schemas.uploads import Manifest
from tests.pipelines.holdings.network_model import AdNetwork, label_of
from tests.pipelines.uploads.helpers import people_of, publish

FIRST_DAY = date(2025, 1, 1)


def network(name: str, **changes: object) -> Network:
    """A shipped network that takes few rows, changed in what is tried."""
    minimum = {"full": 1, "add": 1, "remove": 1, **changes.pop("minimum", {})}
    shipped = networks()[name].allowing(())
    file = shipped.file.model_copy(update={"minimum_rows": MinimumRows(**minimum)})
    return shipped.model_copy(update={"file": file, **changes})


NETWORKS = {
    # A key of four columns; removing is tried as if it were documented.
    "google_ads": network("google_ads", ui_removal="documented"),
    # Many columns, companions, a value; small deltas are refused, so additions are padded and removals replaced.
    "meta": network("meta", ui_removal="documented", minimum={"add": 3, "remove": 2}),
    # Two forms of a phone under one header; a removal must leave members.
    "tiktok": network("tiktok", minimum={"left": 3}),
    # One identifier a row, a list for each kind; a list may be too small; no replacing.
    "snapchat": network("snapchat", ui_removal="documented", minimum={"full": 2}),
    # Removing may work, but is not documented, and nothing can be replaced.
    "snapchat, undocumented": network("snapchat"),
    # Only replacing; and neither replacing nor removing.
    "linkedin": network("linkedin"),
    "x": network("x"),
}


@dataclass(frozen=True)
class Person:
    """Tokens that stand for what somebody gave the company."""

    emails: tuple[int, ...] = ()
    phones: tuple[int, ...] = ()
    lives: int | None = None
    device: int | None = None
    #: Stands in companion columns only.
    city: int | None = None


def value_of(match: MatchColumn, token: int) -> str:
    """What a network gets for a token, in the shape that its checker wants."""
    if match.identifier == "country":
        code = ("FR", "US", "DE")[token % 3]
        code = code.lower() if match.form == "lower" else code
    elif match.identifier == "mobile_ad_id":
        code = f"5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b{token:02}"
    elif match.identifier == "postal_code":
        code = f"7500{token}"
    else:
        code = f"{match.identifier} {match.form} {token}"
    if match.hash == "none":
        return code
    digest = hashlib.sha256(code.encode())
    return b64encode(digest.digest()).decode() if match.hash == "sha256_base64" else digest.hexdigest()


def identifiers_of(people: dict[int, Person], asked: tuple[MatchColumn, ...]) -> pl.DataFrame:
    rows: list[dict[str, object]] = []
    for number, person in people.items():
        address = {"first_name", "last_name", "country", "postal_code"} if person.lives is not None else set()
        tokens: list[tuple[str, set[str], int]] = [
            *(("email", {"email"}, token) for token in person.emails),
            *(("phone", {"phone"}, token) for token in person.phones),
            *(("mobile_ad_id", {"mobile_ad_id"}, token) for token in [person.device] if token is not None),
            *(("mailing_address", address, token) for token in [person.lives] if token is not None),
        ]
        for position, (kind, names, token) in enumerate(tokens, start=1):
            filled = {match.name: value_of(match, token) for match in asked if match.identifier in names}
            if kind == "mailing_address" and person.city is not None:
                filled |= {match.name: value_of(match, person.city) for match in asked if match.identifier == "city"}
            place = 1 if kind == "mailing_address" else position
            rows.append({"person_id": str(number), "kind": kind, "position": place, **filled})
    schema: dict[str, type[pl.DataType]] = {"person_id": pl.String, "kind": pl.String, "position": pl.Int64}
    return pl.DataFrame(rows, schema=schema | {match.name: pl.String for match in asked})


def rows_of(people: dict[int, Person], network: Network) -> AudienceRows:
    members = pl.DataFrame({"person_id": [str(number) for number in people]}, schema={"person_id": pl.String})
    permitted = members.with_columns(assumed=pl.lit(False))
    held = identifiers_of(people, match_columns([network]))
    return audience_rows(members, people_of(permitted, held, network), network)


@dataclass
class World:
    """A company and an ad network: what relance believes must always be what the network holds."""

    outbox: Outbox
    network: Network
    audience: Audience
    remote: AdNetwork
    night: int = 0
    forbidden: set[tuple[str, str]] = field(default_factory=set)

    @property
    def segment(self) -> Segment:
        return Segment(
            title="Club", public_name="club", purpose="loyalty", where="true", networks=("meta",), owner="team:growth"
        )

    def run(self, people: dict[int, Person], held_back: str | None = None) -> Published:
        self.night += 1
        rows = rows_of(people, self.network)
        return publish(
            self.audience,
            self.segment,
            self.network,
            rows,
            self.outbox,
            as_of=FIRST_DAY + timedelta(days=self.night),
            forbidden=self.is_forbidden,
            held_back=held_back,
        )

    def is_forbidden(self, keys: pl.DataFrame) -> pl.Series:
        hits = [pair in self.forbidden for pair in keys.select("key", "value").iter_rows()]
        return pl.Series(hits, dtype=pl.Boolean) if hits else nothing_forbidden(keys)

    def newest(self) -> Manifest | None:
        versions = self.outbox.catalog.versions(self.audience)
        return Manifest.model_validate_json(versions[-1]["manifest"]) if versions else None

    def files(self, version: str, kind: str) -> list[Path]:
        return sorted(self.outbox.folder(self.audience, version).glob(f"*.{kind}.*"))

    def do(self, step: UploadStep) -> None:
        """What the step says, at the network and in the journal."""
        lists = state_of(self.audience, self.outbox.catalog, self.outbox.warehouse).lists
        confirm(self.outbox.catalog, self.audience, step.version, step.kind)
        files = self.files(step.version, step.file) if step.file else []
        match step.kind:
            case "created":
                self.remote.create(files)
            case "replaced":
                self.remote.replace(files)
            case "added":
                self.remote.add(files)
            case "removed":
                self.remote.remove(files)
            case "deleted":
                self.remote.delete(next((n for n, each in enumerate(lists) if step.version in each.versions), None))

    def follow(self, steps: tuple[UploadStep, ...]) -> None:
        for step in steps:
            self.do(step)
            self.check_belief()

    def check_belief(self) -> None:
        """The keys that relance takes the newest list to hold are those that it holds."""
        state = state_of(self.audience, self.outbox.catalog, self.outbox.warehouse)
        nothing, held = pl.DataFrame(schema=LISTED_KEYS), state.holdings._replace(carried=())
        believed = differences(self.outbox.warehouse, nothing, held).leaving
        assert len(state.lists) == len(self.remote.lists)
        assert set(believed.iter_rows()) == (self.remote.lists[-1] if self.remote.lists else set())


COUNT = itertools.count()


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, SecretKeys, Warehouse]]:
    home = Home.at(tmp_path_factory.mktemp("deltas"))
    keys = open_keys(home)
    with open_warehouse(home, keys, "2GB") as warehouse:
        ensure_keys(warehouse)
        yield home, keys, warehouse


@contextmanager
def world(name: str, stores: tuple[Home, SecretKeys, Warehouse]) -> Iterator[World]:
    """An audience that nobody knows of yet, in stores that know others."""
    home, keys, warehouse = stores
    audience = Audience(name.split(",")[0], "main", f"club{next(COUNT)}")
    with open_catalog(home) as catalog:
        outbox = Outbox(home, keys, warehouse, catalog, Settings(currency="EUR"), night=1)
        yield World(outbox, NETWORKS[name], audience, AdNetwork(audience.network))


SOMEBODY = st.builds(
    Person,
    emails=st.lists(st.integers(0, 3), max_size=2, unique=True).map(tuple),
    phones=st.lists(st.integers(0, 3), max_size=2, unique=True).map(tuple),
    lives=st.none() | st.integers(0, 2),
    device=st.none() | st.integers(0, 2),
    city=st.none() | st.integers(0, 1),
)
PEOPLE = st.dictionaries(st.integers(0, 5), SOMEBODY, min_size=1, max_size=5)
ACTIONS = st.one_of(
    PEOPLE.map(lambda people: ("night", people)),
    PEOPLE.map(lambda people: ("night, all done", people)),
    st.sampled_from([("all", None), ("one step", None), ("instead", None), ("undo", None)]),
    st.tuples(
        st.just("old"), st.tuples(st.integers(1, 3), st.sampled_from(["created", "replaced", "added", "deleted"]))
    ),
)


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(actions=st.lists(ACTIONS, min_size=2, max_size=7), last=PEOPLE)
def test_after_any_nights_and_confirmations_the_network_holds_what_the_full_files_hold(
    name: str, stores: tuple[Home, SecretKeys, Warehouse], actions: list[tuple[str, object]], last: dict[int, Person]
) -> None:
    with world(name, stores) as company:
        for action, detail in actions:
            perform(company, action, detail)
            company.check_belief()
        perform(company, "night, all done", last)


def perform(company: World, action: str, detail: object) -> None:
    manifest = company.newest()
    if action.startswith("night"):
        published = company.run(detail)
        if action == "night, all done" and published.outcome != "held":
            settle(company)
    elif action == "undo" and company.outbox.catalog.audit_head().line:
        try_and_tell(lambda: (unconfirm(company.outbox.catalog, company.audience), company.remote.undo()))
    elif manifest is None:
        return
    elif action == "all":
        try_and_tell(lambda: company.follow(to_do(company)))
    elif action == "one step":
        try_and_tell(lambda: company.follow(to_do(company)[:1]))
    elif action == "instead" and manifest.alternative and to_do(company) == manifest.plan:
        try_and_tell(lambda: company.follow(manifest.alternative))
    elif action == "old":
        back, kind = detail
        versions = [row["version"] for row in company.outbox.catalog.versions(company.audience)]
        file = {"created": "full", "replaced": "full", "added": "add"}.get(kind)
        step = UploadStep(kind=kind, version=versions[-min(back, len(versions))], file=file, says="")
        try_and_tell(lambda: company.do(step))


def to_do(company: World) -> tuple[UploadStep, ...]:
    manifest = company.newest()
    assert manifest is not None
    return outstanding(manifest, confirmations(company.outbox.catalog, company.audience))


def try_and_tell(action: Callable[[], object]) -> None:
    """What does not fit is refused in a sentence, and nothing has happened."""
    try:
        action()
    except JournalError as refusal:
        event(str(refusal).split(": ", 2)[-1][:40])


def settle(company: World) -> None:
    """All that the newest version asks for: then the network holds its full files, in one list."""
    company.follow(to_do(company))
    manifest = company.newest()
    assert manifest is not None
    full = company.files(manifest.version, "full")
    labels = {label_of(file) for file in full}
    [held] = company.remote.lists
    # A list that is too small to be published stays as it was.
    assert {member for member in held if member[0] in labels} == company.remote.members(full)


JANE, JOHN, MARY = (Person(emails=(token,)) for token in (0, 1, 2))
EMAIL_OF = {
    name: {
        token: value_of(next(column.matches[0] for column in each.columns if column.identifier == "email"), token)
        for token in range(4)
    }
    for name, each in NETWORKS.items()
}


def forbid(company: World, name: str, token: int) -> None:
    company.forbidden.add(("email", EMAIL_OF[name][token]))


def test_what_is_forbidden_and_was_only_published_is_removed_until_that_is_confirmed(
    stores: tuple[Home, SecretKeys, Warehouse],
) -> None:
    with world("tiktok", stores) as company:
        company.run({0: JANE, 1: JOHN, 2: MARY, 3: Person(emails=(3,))})
        settle(company)
        company.run({0: JANE, 1: JOHN, 2: MARY, 3: Person(emails=(3,)), 4: Person(phones=(1,))})
        [held] = company.remote.lists
        never_confirmed = Person(emails=(0,), phones=(2,))
        company.run({0: never_confirmed, 1: JOHN, 2: MARY, 3: Person(emails=(3,))})
        company.forbidden.add(("phone", value_of(networks()["tiktok"].columns[1].matches[0], 2)))

        found = company.run({0: JANE, 1: JOHN, 2: MARY, 3: Person(emails=(3,))})
        assert found.manifest is not None
        assert [(step.kind, found.manifest.removes) for step in found.manifest.plan] == [("removed", 1)]
        [file] = company.files(found.manifest.version, "remove")
        assert {value for _, _, value in company.remote.members([file])}.isdisjoint({value for _, _, value in held})
        settle(company)
        assert company.run({0: JANE, 1: JOHN, 2: MARY, 3: Person(emails=(3,))}).outcome == "fresh"


def test_what_is_forbidden_leaves_a_list_that_is_held_back_and_nothing_else_does(
    stores: tuple[Home, SecretKeys, Warehouse],
) -> None:
    with world("google_ads", stores) as company:
        company.run({0: JANE, 1: JOHN, 2: MARY})
        settle(company)
        forbid(company, "google_ads", 1)
        held = company.run({0: JANE, 3: Person(emails=(3,))}, held_back="the audience shrinks by a third")
        assert (held.outcome, held.reason) == ("held", "the audience shrinks by a third")
        assert held.manifest is not None
        assert [entry.kind for entry in held.manifest.files] == ["full", "remove"]
        assert (held.manifest.forbidden, held.manifest.removes, held.manifest.adds) == (1, 1, 0)
        assert held.manifest.reduced_from == "2025-01-02.1"
        company.follow(held.manifest.plan)
        assert {value for _, _, value in company.remote.lists[0]} == {EMAIL_OF["google_ads"][n] for n in (0, 2)}
        again = company.run({0: JANE, 3: Person(emails=(3,))}, held_back="the audience shrinks by a third")
        assert (again.outcome, again.version) == ("held", None)


@pytest.mark.parametrize(("name", "steps"), [("linkedin", ["replaced"]), ("x", ["created", "deleted"])])
def test_a_list_that_is_held_back_and_cannot_lose_a_key_is_replaced_with_what_it_held_without_that_key(
    name: str, steps: list[str], stores: tuple[Home, SecretKeys, Warehouse]
) -> None:
    with world(name, stores) as company:
        company.run({0: JANE, 1: JOHN, 2: MARY})
        settle(company)
        forbid(company, name, 1)
        held = company.run({0: JANE}, held_back="the audience shrinks by a third").manifest
        assert held is not None
        assert [step.kind for step in held.plan] == steps
        assert "full file is that of 2025-01-02.1 without a forbidden key" in str(held.because)
        readme = (company.outbox.folder(company.audience, held.version) / "README.txt").read_text()
        assert ": those of 2025-01-02.1 who may still be sent," in readme
        assert str(held.because) in readme
        company.follow(held.plan)
        assert {value for _, _, value in company.remote.lists[0]} == {EMAIL_OF[name][n] for n in (0, 2)}
        again = company.run({0: JANE}, held_back="the audience shrinks by a third")
        assert (again.outcome, again.version) == ("held", None)


def test_a_list_that_cannot_lose_a_key_is_deleted_when_nothing_may_take_its_place(
    stores: tuple[Home, SecretKeys, Warehouse],
) -> None:
    with world("x", stores) as company:
        company.run({0: JANE, 1: JOHN})
        settle(company)
        forbid(company, "x", 0)
        forbid(company, "x", 1)
        held = company.run({}, held_back=None)
        assert held.outcome == "held"
        assert held.manifest is not None
        assert (held.manifest.files, [step.kind for step in held.manifest.plan]) == ((), ["deleted"])
        assert "removes nobody" in str(held.manifest.because)
        company.follow(held.manifest.plan)
        assert company.remote.lists == []
        assert company.run({}).version is None


def test_a_list_that_nothing_may_take_the_place_of_loses_a_key_or_is_deleted(
    stores: tuple[Home, SecretKeys, Warehouse],
) -> None:
    with world("google_ads", stores) as company:
        company.run({0: JANE, 1: JOHN})
        settle(company)
        forbid(company, "google_ads", 0)
        forbid(company, "google_ads", 1)
        held = company.run({}).manifest
        assert held is not None
        assert [entry.kind for entry in held.files] == ["remove"]
        assert [step.kind for step in held.plan] == ["removed"]
        assert [step.kind for step in held.alternative] == ["deleted"]
        company.follow(held.alternative)
        assert (company.remote.lists, to_do(company)) == ([], ())


def test_of_lists_that_nobody_spoke_of_a_key_is_removed_or_all_are_deleted_up_to_the_newest(
    stores: tuple[Home, SecretKeys, Warehouse],
) -> None:
    with world("google_ads", stores) as company:
        _, second = (company.run({0: JANE, 1: other}).version for other in (JOHN, MARY))
        forbid(company, "google_ads", 1)
        forbid(company, "google_ads", 2)
        found = company.run({0: JANE}).manifest
        assert found is not None
        assert [step.kind for step in found.plan] == ["removed", "created"]
        assert [(step.kind, step.version) for step in found.alternative] == [
            ("deleted", second),
            ("created", found.version),
        ]
        company.follow(found.alternative)
        assert company.remote.lists == [keys_in(company, found)]
        assert to_do(company) == ()
        assert company.run({0: JANE}).outcome == "fresh"


def test_where_nothing_can_be_removed_lists_that_nobody_spoke_of_are_deleted(
    stores: tuple[Home, SecretKeys, Warehouse],
) -> None:
    with world("x", stores) as company:
        # First without an open list, then beside one that holds what it should: another would not take her out.
        for to_fill in (True, False):
            company.forbidden = set()
            unsaid = company.run({0: JANE, 1: JOHN, 2: MARY}).version
            forbid(company, "x", 2)
            found = company.run({0: JANE, 1: JOHN}).manifest
            assert found is not None
            made = {("created", found.version)} if to_fill else set()
            assert {(step.kind, step.version) for step in found.plan} == {("deleted", unsaid), *made}
            assert "removes nobody" in str(found.because)
            company.follow(to_do(company))
            assert company.remote.lists == [keys_in(company, found)]
            assert company.run({0: JANE, 1: JOHN}).outcome == "fresh"


def keys_in(company: World, manifest: Manifest, kind: str = "full") -> set[tuple[str, str, str]]:
    return company.remote.members(company.files(manifest.version, kind))


@pytest.mark.parametrize("name", ["google_ads", "meta", "snapchat", "x"])
@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(before=st.lists(ACTIONS, max_size=2), people=PEOPLE, draw=st.randoms(), deleted=st.booleans(), after=PEOPLE)
def test_what_a_held_audience_keeps_is_what_was_published_last_without_what_is_forbidden(
    name: str,
    stores: tuple[Home, SecretKeys, Warehouse],
    before: list[tuple[str, object]],
    people: dict[int, Person],
    draw: Random,
    deleted: bool,
    after: dict[int, Person],
) -> None:
    with world(name, stores) as company:
        for action, detail in [*before, ("night, all done", people)]:
            perform(company, action, detail)
        last = company.newest()
        if last is None or not last.has_file("full"):
            return
        published = keys_in(company, last)
        gone = {member for member in published if draw.random() < 0.4}
        company.forbidden = {(key, value) for _, key, value in gone}
        left = {member for member in published if member[1:] not in company.forbidden}
        if deleted:
            # As `relance forget` leaves it.
            withdraw(company.outbox.home, company.outbox.catalog, company.audience, last.version)

        held = company.run(after, held_back="the brake holds it")

        assert held.outcome == "held"
        if held.manifest is None:
            assert not gone
            assert not deleted
            return
        labels = {entry.list for entry in held.manifest.files if entry.kind == "full"}
        assert keys_in(company, held.manifest) == {member for member in left if member[0] in labels}
        assert not {member[1:] for member in keys_in(company, held.manifest, "add")} & company.forbidden
        published_lists = [row["version"] for row in company.outbox.catalog.versions(company.audience)]
        assert (last.version in published_lists) == (not gone and not deleted)
        company.follow(to_do(company))
        if company.remote.lists:
            assert not {member[1:] for member in company.remote.lists[-1]} & company.forbidden
        again = company.run(after, held_back="the brake holds it")
        assert (again.outcome, again.version) in {("held", None), ("held", held.version)}
        company.forbidden = set()
        perform(company, "night, all done", after)


def test_other_rules_replace_what_the_list_holds_and_say_why(stores: tuple[Home, SecretKeys, Warehouse]) -> None:
    with world("google_ads", stores) as company:
        company.run({0: JANE, 1: JOHN})
        settle(company)
        file = company.network.file.model_copy(update={"newline": "\r\n"})
        company.network = company.network.model_copy(update={"file": file})
        found = company.run({0: JANE, 1: JOHN}).manifest
        assert found is not None
        assert [step.kind for step in found.plan] == ["replaced"]
        assert "network's files have changed" in str(found.because)
        assert not found.has_file("add")
        company.follow(found.plan)
        assert company.run({0: JANE, 1: JOHN}).outcome == "fresh"


def test_after_a_confirmation_equal_content_makes_no_new_version(stores: tuple[Home, SecretKeys, Warehouse]) -> None:
    with world("meta", stores) as company:
        first = company.run({0: JANE, 1: JOHN}).version
        settle(company)
        assert company.run({0: JANE, 1: JOHN}).version == first
        changed = company.run({0: Person(emails=(0,), city=1, lives=1), 1: JOHN})
        assert changed.manifest is not None
        assert (changed.outcome, changed.manifest.plan, changed.manifest.adds) == ("published", (), 0)


def test_a_companion_changes_no_delta_and_a_kept_phone_stays(stores: tuple[Home, SecretKeys, Warehouse]) -> None:
    with world("google_ads", stores) as company:
        company.run({0: Person(emails=(0,), phones=(1,)), 1: JOHN})
        settle(company)
        found = company.run({0: Person(emails=(2,), phones=(1,)), 1: JOHN}).manifest
        assert found is not None
        assert (found.adds, found.removes, found.forbidden) == (1, 1, 0)
        [removed] = company.files(found.version, "remove")
        gone = {(key, value) for _, key, value in company.remote.members([removed])}
        assert gone == {("email", EMAIL_OF["google_ads"][0])}


@pytest.mark.parametrize("order", [("add", "remove"), ("remove", "add")])
def test_deltas_are_uploaded_in_the_network_s_order(
    order: tuple[FileKind, ...], stores: tuple[Home, SecretKeys, Warehouse]
) -> None:
    with world("google_ads", stores) as company:
        company.network = company.network.model_copy(update={"upload_order": order})
        company.run({0: JANE, 1: JOHN})
        settle(company)
        found = company.run({0: JANE, 2: MARY}).manifest
        assert found is not None
        assert [step.file for step in found.plan] == list(order)


def test_too_few_additions_are_filled_up_with_current_members(stores: tuple[Home, SecretKeys, Warehouse]) -> None:
    with world("meta", stores) as company:
        company.run({0: JANE, 1: JOHN, 2: MARY})
        settle(company)
        found = company.run({0: JANE, 1: JOHN, 2: MARY, 3: Person(emails=(3,))}).manifest
        assert found is not None
        assert [(entry.kind, entry.rows) for entry in found.files] == [("full", 4), ("add", 3)]
        assert found.adds == 1


@pytest.mark.parametrize(
    ("name", "steps", "instead", "because"),
    [
        ("meta", ["replaced"], [], "removes people only by files of at least 2 rows, this one would have 1"),
        ("tiktok", ["replaced"], [], "wants 3 members to be left, and there would be 2"),
        ("snapchat, undocumented", ["created", "deleted"], ["removed"], "does not document that a file removes"),
        ("linkedin", ["replaced"], [], "removes nobody"),
        ("x", ["created", "deleted"], [], "removes nobody"),
    ],
)
def test_where_a_removal_does_not_work_the_list_is_replaced_or_made_anew(
    name: str, steps: list[str], instead: list[str], because: str, stores: tuple[Home, SecretKeys, Warehouse]
) -> None:
    with world(name, stores) as company:
        company.run({0: JANE, 1: JOHN, 2: MARY})
        settle(company)
        found = company.run({0: JANE, 1: JOHN}).manifest
        assert found is not None
        assert [step.kind for step in found.plan] == steps
        assert [step.kind for step in found.alternative] == instead
        assert because in str(found.because)
        assert found.replaceable == (steps == ["replaced"])
        readme = (company.outbox.folder(company.audience, found.version) / "README.txt").read_text()
        assert because in readme
        assert f"--as {steps[0]}" in readme


def test_lists_are_made_anew_where_replacing_would_leave_a_key_in_one_that_is_too_small_now(
    stores: tuple[Home, SecretKeys, Warehouse],
) -> None:
    with world("snapchat", stores) as company:
        company.network = network("snapchat", update_modes=("full", "replace"), ui_removal="none", minimum={"full": 2})
        company.run({0: JANE, 1: JOHN, 2: Person(phones=(1,)), 3: Person(phones=(2,))})
        settle(company)
        company.run({0: JANE, 1: JOHN, 2: Person(phones=(1,)), 3: Person(phones=(3,))})
        assert [step.kind for step in to_do(company)] == ["replaced"]
        settle(company)
        forbid(company, "snapchat", 0)
        company.run({1: JOHN, 2: Person(phones=(1,)), 3: Person(phones=(3,))})
        assert [step.kind for step in to_do(company)] == ["created", "deleted"]
        assert [step.lists for step in to_do(company)] == [("phones",), ("emails", "phones")]
        settle(company)
        assert {label for label, _, _ in company.remote.lists[0]} == {"phones"}


def test_a_list_that_was_never_filled_is_made_and_not_added_to(
    stores: tuple[Home, SecretKeys, Warehouse],
) -> None:
    first = {0: JANE, 1: JOHN}
    dialled = {2: Person(phones=(1,)), 3: Person(phones=(2,))}
    with world("snapchat", stores) as company:
        company.network = network("snapchat", minimum={"full": 2})
        company.run(first)
        settle(company)
        company.run({**first, **dialled})
        [make] = to_do(company)
        assert (make.kind, make.lists, make.new_lists) == ("added", ("phones",), ("phones",))
        assert make.says == "Make a new list of club.phones.add.txt."
        company.run({**first, **dialled, 4: MARY})
        [both] = to_do(company)
        assert both.says == "Add club.emails.add.txt to the list emails; make a new list of club.phones.add.txt."
        assert (both.lists, both.new_lists) == (("emails", "phones"), ("phones",))
        settle(company)
        company.run({**first, **dialled, 4: MARY, 5: Person(phones=(3,))})
        [add] = to_do(company)
        assert add.new_lists == ()
        assert add.says == "Add club.phones.add.txt to the list phones."


def test_every_list_that_was_filled_is_to_be_deleted_also_one_that_is_not_made_again(
    stores: tuple[Home, SecretKeys, Warehouse],
) -> None:
    with world("snapchat, undocumented", stores) as company:
        company.network = network("snapchat", minimum={"full": 2})
        company.run({0: JANE, 1: JOHN, 2: Person(phones=(1,)), 3: Person(phones=(2,))})
        [create] = to_do(company)
        assert create.lists == ("emails", "phones")
        assert create.says == (
            "Make a new list of its own for each of emails (club.emails.full.txt), phones (club.phones.full.txt)."
        )
        settle(company)
        forbidden = value_of(match_columns([company.network])[-1], 2)
        company.forbidden.add(("phone", forbidden))
        found = company.run({0: JANE, 1: JOHN, 2: Person(phones=(1,))}).manifest
        assert found is not None and found.withheld == {"phones": 1}
        create, delete = to_do(company)
        assert (create.lists, delete.lists) == (("emails",), ("emails", "phones"))
        assert delete.says.endswith("once no campaign uses it: emails, phones.")
        # Until campaigns use the new list the old one cannot go, and networks show of both nothing but their names.
        assert create.says.endswith(
            f" Put the version, {found.version}, into the name, and point your campaigns at it."
        )
        readme = (company.outbox.folder(company.audience, found.version) / "README.txt").read_text()
        assert f"1. {create.says} 2. {delete.says}" in readme


def test_a_list_that_is_made_after_the_last_was_deleted_is_named_by_its_version(
    stores: tuple[Home, SecretKeys, Warehouse],
) -> None:
    with world("meta", stores) as company:
        found = company.run({0: JANE, 1: JOHN}).manifest
        [create] = to_do(company)
        assert found is not None and "Put the version" not in create.says
        settle(company)
        confirm(company.outbox.catalog, company.audience, found.version, "deleted")
        company.remote.lists.clear()
        found = company.run({0: JANE, 1: JOHN, 2: Person(phones=(1,))}).manifest
        [anew] = to_do(company)
        assert found is not None
        named = f"Put the version, {found.version}, into the name, and point your campaigns at it."
        assert (anew.kind, anew.says.partition(". ")[2]) == ("created", named)


def test_a_list_that_is_made_where_one_may_have_been_made_without_a_word_is_named_by_its_version(
    stores: tuple[Home, SecretKeys, Warehouse],
) -> None:
    with world("x", stores) as company:
        company.run({0: JANE, 1: JOHN})
        forbid(company, "x", 0)
        found = company.run({1: JOHN}).manifest
        assert found is not None
        deleted, create = to_do(company)
        assert (deleted.kind, create.kind) == ("deleted", "created")
        assert create.says.endswith(f"Put the version, {found.version}, into the name, and point your campaigns at it.")
        standing = confirmations(company.outbox.catalog, company.audience)
        assert mark_of_new_list(found.version, standing) == ""
        settle(company)
        [made] = open_lists(confirmations(company.outbox.catalog, company.audience))
        assert made.mark == found.version


def test_every_part_that_filled_a_list_of_its_own_is_to_be_deleted(
    stores: tuple[Home, SecretKeys, Warehouse],
) -> None:
    with world("linkedin", stores) as company:
        company.network = network("linkedin")
        file = company.network.file.model_copy(update={"maximum_rows": 2})
        company.network = company.network.model_copy(update={"file": file})
        company.run({0: JANE, 1: JOHN, 2: MARY})
        [create] = to_do(company)
        assert create.lists == ("part-0001", "part-0002", "part-0003")
        confirm(company.outbox.catalog, company.audience, create.version, "created")
        company.run({0: JANE})
        again, delete = to_do(company)
        assert (again.kind, again.lists, delete.lists) == ("created", (), create.lists)


def two_lists(company: World, *filled: dict[int, Person]) -> UploadStep:
    """Each night's full file made a list; the deletion that the first of them waits for, but for its words."""
    versions = [company.run(people).version for people in filled]
    for version in versions:
        assert version is not None
        company.do(UploadStep(kind="created", version=version, file="full", says=""))
    return UploadStep(kind="deleted", version=str(versions[0]), file=None, says="")


def without_words(steps: tuple[UploadStep, ...]) -> list[UploadStep]:
    return [step.model_copy(update={"says": "", "lists": ()}) for step in steps]


def test_an_older_list_is_to_be_deleted_whichever_way_the_newest_is_brought_up_to_date(
    stores: tuple[Home, SecretKeys, Warehouse],
) -> None:
    with world("snapchat, undocumented", stores) as company:
        old = two_lists(company, {0: JANE}, {0: JANE, 1: JOHN})
        found = company.run({0: JANE}).manifest
        assert found is not None
        assert old in without_words(found.plan)
        assert old in without_words(found.alternative)
        company.follow(found.alternative)
        assert company.remote.lists == [keys_in(company, found)]
        assert to_do(company) == ()


def test_an_older_list_is_asked_for_until_it_is_deleted_and_no_other_way_is_made_up_of_that(
    stores: tuple[Home, SecretKeys, Warehouse],
) -> None:
    with world("google_ads", stores) as company:
        old = two_lists(company, {0: JANE}, {0: JANE, 1: JOHN})
        people = {0: JANE, 1: JOHN, 2: MARY}
        found = company.run(people).manifest
        assert found is not None
        added, *deleted = without_words(found.plan)
        assert (added.kind, deleted, found.alternative) == ("added", [old], ())
        company.do(added)
        assert company.run(people).outcome == "fresh"
        assert without_words(to_do(company)) == [old]
        company.do(old)
        assert company.run(people).outcome == "fresh"
        assert to_do(company) == ()
