"""A company, relance, and the ad networks as they are without it: what relance believes must be what they hold."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

from catalog.erasures import erasure_requests, request_ids
from catalog.home import Home
from catalog.journal import confirmations
from catalog.secret_keys import open_keys
from catalog.store import Catalog, open_catalog
from catalog.warehouse import Warehouse, open_warehouse
from commands.forget import forget
from pipelines.history.nights import kept_night
from pipelines.history.replay import replay
from pipelines.holdings.confirming import confirm, unconfirm
from pipelines.holdings.outstanding import outstanding
from pipelines.uploads.versions.state import state_of
from schemas.config import read_config
from schemas.errors import JournalError
from schemas.journal import UploadStep
from schemas.segment import Audience
from schemas.uploads import Manifest
from tests.pipelines.holdings.network_model import AdNetwork, Member
from tests.simulation.belief import believed
from tests.simulation.company import Company
from tests.simulation.declared import SEGMENTS
from tests.simulation.keys import PURPOSES

AUDIENCES = tuple(Audience(network, "main", segment) for network in PURPOSES for segment in SEGMENTS)
#: One night in so many, kept nights are rebuilt.
REPLAYED = 15
#: So many confirmations may be taken back: of more, relance does not promise to know what there was before.
UNDONE_AT_MOST = 5

#: Runs the night of a day for a config and a home.
Night = Callable[[Path, Path, str], None]


@dataclass
class Listed:
    """An audience at its network, and what was said of it."""

    remote: AdNetwork
    #: Forbidden keys that its newest list was seen not to hold.
    gone: set[Member] = field(default_factory=set)
    #: How many confirmations may be taken back.
    undoable: int = 0


@dataclass
class Stores:
    """The home, open between two nights."""

    catalog: Catalog
    warehouse: Warehouse


class World:
    """Nights, and what a marketer does between them. Every check fails by an assertion that says where."""

    def __init__(self, company: Company, home: Path, run: Night, seed: int) -> None:
        self.company = company
        self.home = Home.at(home)
        self.day = company.first_day
        self.random = random.Random(seed)  # noqa: S311 - a life, not a secret
        self.listed = {audience: Listed(AdNetwork(audience.network)) for audience in AUDIENCES}
        self.counts: dict[str, int] = {}
        self._run = run
        self._members: dict[Path, frozenset[Member]] = {}
        self._forbidden: dict[str, set[Member]] = {}

    def night(self, *, cut: bool = False) -> None:
        """A day passes; its night; then whatever the marketer does with the files."""
        with self._after_a_night(cut=cut) as stores:
            for audience in AUDIENCES:
                self._act(stores, audience)
        if self.random.random() < 0.1:
            self._forget()

    def settle(self) -> None:
        """One more night, and all that its versions ask for: then each network holds its full files, in one list."""
        with self._after_a_night() as stores:
            for audience in AUDIENCES:
                self._follow(stores, audience, self._to_do(stores.catalog, audience))
                manifest, remote = self._newest(stores.catalog, audience), self.listed[audience].remote
                assert manifest is not None, audience
                full = [self._read(audience, path) for path in self._files(audience, manifest.version, "full")]
                assert remote.lists == [set().union(*full)], f"{audience}: other keys than the full file's"

    @contextmanager
    def _after_a_night(self, *, cut: bool = False) -> Iterator[Stores]:
        self.company.live(self.day, cut=cut)
        self._run(self.company.config, self.home.root, self.day.isoformat())
        self._count("nights")
        with self._stores() as stores:
            self._learn_what_is_forbidden()
            self.check_files(stores.catalog)
            self.check_closed_requests(stores.catalog)
            for audience in AUDIENCES:
                self.check_belief(stores, audience)
            if self.counts["nights"] % REPLAYED == 0:
                self.check_replays(stores)
            yield stores
        self.day += timedelta(days=1)

    # What must always hold.

    def check_belief(self, stores: Stores, audience: Audience) -> None:
        """relance takes each open list to hold what it holds, and no list holds again what left it for good."""
        remote = self.listed[audience].remote
        state = state_of(audience, stores.catalog, stores.warehouse)
        assert len(state.lists) == len(remote.lists), f"{audience} {self.day}: open lists"
        for place, (theirs, held) in enumerate(
            zip(believed(stores.warehouse, audience, state), remote.lists, strict=True)
        ):
            if theirs is None:
                self._count("lists of which relance said that it no longer knows the keys")
                continue
            if state.holds_forgotten:
                # A confirmation was taken back on which keys were forgotten: relance says so, and replaces the list.
                self._count("lists that may hold forgotten keys by relance's own word")
                # Those keys are all that the list may hold beside what relance knows.
                theirs |= held & {("", *key) for key in self.company.forgotten_keys(audience.network)}
            assert theirs == held, f"{audience} {self.day}: list {place} of {len(remote.lists)}"
            self._count("lists compared")
        if remote.lists:
            back = self.listed[audience].gone & remote.lists[-1]
            assert not back, f"{audience} {self.day}: {len(back)} forbidden keys came back"

    def check_files(self, catalog: Catalog) -> None:
        """No file that somebody may upload brings a forbidden key."""
        for audience in AUDIENCES:
            for row in catalog.versions(audience):
                for kind in ("full", "add"):
                    for path in self._files(audience, row["version"], kind):
                        brought = self._read(audience, path) & self._forbidden[audience.network]
                        assert not brought, f"{path.relative_to(self.home.outbox)}: {len(brought)} forbidden keys"
                        self._count("files searched for forbidden keys")
        self._members = {path: members for path, members in self._members.items() if path.exists()}

    def check_closed_requests(self, catalog: Catalog) -> None:
        """No file at all, removals too, names whoever was forgotten once every network has taken them out."""
        closed = {request.request_id for request in erasure_requests(catalog) if request.state == "closed"}
        gone = {name: {("", *key) for key in self.company.forgotten_for_good(closed, name)} for name in PURPOSES}
        for audience in AUDIENCES:
            for path in self.home.outbox.joinpath(*audience).glob("*/*.csv"):
                named = gone[audience.network] & self._read(audience, path)
                assert not named, f"{path}: {len(named)} keys of closed requests"
                self._count("files searched for closed requests", times=len(gone[audience.network]) > 0)

    def check_replays(self, stores: Stores) -> None:
        """Tonight and an earlier night, rebuilt, are what they were, but for who may no longer be sent."""
        keys, config = open_keys(self.home), read_config(self.company.config)
        for back in (0, self.random.randrange(1, REPLAYED)):
            kept = kept_night(stores.warehouse, self.day - timedelta(days=back), config.settings.history_days)
            for each in replay(kept, self.home, stores.catalog, config, keys.identity):
                expected = {"equal", "nothing"} if back == 0 else {"equal", "nothing", "fewer"}
                assert each.outcome in expected, f"{each.audience} {kept.day}, rebuilt {self.day}: {each.outcome}"
                self._count(f"rebuilt, {each.outcome}")

    def _learn_what_is_forbidden(self) -> None:
        for network in PURPOSES:
            self._forbidden[network] = {("", *key) for key in self.company.forbidden(network)}
        for audience, listed in self.listed.items():
            listed.gone &= self._forbidden[audience.network]

    # What the marketer does.

    def _act(self, stores: Stores, audience: Audience) -> None:
        what = self.random.random()
        to_do = self._to_do(stores.catalog, audience)
        if what < 0.5:
            self._follow(stores, audience, to_do)
        elif what < 0.6:
            self._follow(stores, audience, to_do[:1])
        elif what < 0.7:
            manifest = self._newest(stores.catalog, audience)
            if manifest is not None and manifest.alternative and to_do == manifest.plan:
                self._count("alternatives followed")
                self._follow(stores, audience, manifest.alternative)
        elif what < 0.8:
            self._upload_an_old_version(stores, audience)
        elif what < 0.85:
            self._take_back(stores, audience)
        else:
            self._count("nights skipped by the marketer")

    def _follow(self, stores: Stores, audience: Audience, steps: tuple[UploadStep, ...]) -> None:
        for step in steps:
            if not self._do(stores, audience, step):
                return

    def _do(self, stores: Stores, audience: Audience, step: UploadStep) -> bool:
        """What the step says, in the journal and at the network; False if the files or the journal do not allow it."""
        files = self._files(audience, step.version, step.file) if step.file else []
        if step.file and not files:
            return False
        lists = state_of(audience, stores.catalog, stores.warehouse).lists
        try:
            confirm(stores.catalog, audience, step.version, step.kind)
        except JournalError:
            self._count("refused by the journal")
            return False
        self._count(f"confirmed as {step.kind}")
        listed = self.listed[audience]
        listed.undoable = min(listed.undoable + 1, UNDONE_AT_MOST)
        match step.kind:
            case "created":
                listed.remote.create(files)
            case "replaced":
                listed.remote.replace(files)
            case "added":
                listed.remote.add(files)
            case "removed":
                listed.remote.remove(files)
            case "deleted":
                listed.remote.delete(next((n for n, each in enumerate(lists) if step.version in each.versions), None))
        self._check_after(stores, audience, step)
        return True

    def _check_after(self, stores: Stores, audience: Audience, step: UploadStep) -> None:
        listed, forbidden = self.listed[audience], self._forbidden[audience.network]
        newest = self._newest(stores.catalog, audience)
        held = listed.remote.lists[-1] if listed.remote.lists else set()
        if newest is not None and step.version == newest.version and step.kind in {"created", "replaced", "removed"}:
            left = held & forbidden
            assert not left, f"{audience} {step.version}, confirmed as {step.kind}: {len(left)} forbidden keys are left"
        self.check_belief(stores, audience)
        listed.gone |= forbidden - held

    def _upload_an_old_version(self, stores: Stores, audience: Audience) -> None:
        versions = [row["version"] for row in stores.catalog.versions(audience)]
        if not versions:
            return
        kind = self.random.choice(("created", "replaced", "added", "deleted"))
        file = {"created": "full", "replaced": "full", "added": "add"}.get(kind)
        version = versions[-min(self.random.randrange(1, 5), len(versions))]
        self._count("versions taken out of order")
        self._do(stores, audience, UploadStep(kind=kind, version=version, file=file, says=""))

    def _take_back(self, stores: Stores, audience: Audience) -> None:
        listed = self.listed[audience]
        if not listed.undoable:
            return
        try:
            unconfirm(stores.catalog, audience)
        except JournalError:
            self._count("refused by the journal")
            return
        self._count("confirmations taken back")
        listed.undoable -= 1
        listed.remote.undo()
        listed.gone -= listed.remote.lists[-1] if listed.remote.lists else set()
        self.check_belief(stores, audience)

    def _forget(self) -> None:
        """Between two nights somebody asks to be forgotten, and the command is called."""
        record = self.company.somebody()
        with open_catalog(self.home) as catalog:
            before = request_ids(catalog)
            with redirect_stdout(StringIO()):
                # The end of the day that was lived: what was said in it came before.
                day = datetime.combine(self.day, datetime.min.time())
                forget([record.id], None, "customer_id", day, self.company.config, self.home.root)
            [request] = request_ids(catalog) - before
            self.company.forget(record, request)
            self._learn_what_is_forbidden()
            self.check_files(catalog)
            self.check_closed_requests(catalog)

    @contextmanager
    def _stores(self) -> Iterator[Stores]:
        with open_warehouse(self.home, open_keys(self.home), "2GB") as warehouse, open_catalog(self.home) as catalog:
            yield Stores(catalog, warehouse)

    def _newest(self, catalog: Catalog, audience: Audience) -> Manifest | None:
        versions = catalog.versions(audience)
        return Manifest.model_validate_json(versions[-1]["manifest"]) if versions else None

    def _to_do(self, catalog: Catalog, audience: Audience) -> tuple[UploadStep, ...]:
        manifest = self._newest(catalog, audience)
        return () if manifest is None else outstanding(manifest, confirmations(catalog, audience))

    def _files(self, audience: Audience, version: str, kind: str) -> list[Path]:
        return sorted(self.home.outbox.joinpath(*audience, version).glob(f"*.{kind}.*"))

    def _read(self, audience: Audience, path: Path) -> frozenset[Member]:
        if path not in self._members:
            self._members[path] = frozenset(self.listed[audience].remote.members([path]))
        return self._members[path]

    def _count(self, what: str, times: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + times
