"""Every audience in one row, worked out anew only after the catalog has changed."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from catalog.descriptions import descriptions
from catalog.erasures import audiences_holding_erased
from catalog.forecasts import Forecast, forecasts
from catalog.journal import confirmations
from catalog.offered import Offered, newest_rows, offered
from catalog.restored import restored_at
from catalog.store import OUTCOMES, VERSIONS, Catalog, manifest_of
from pipelines.holdings.expiry import expiry_of, first_forgotten, forecast_base
from pipelines.holdings.open_lists import OpenList, mark_of_new_list, open_lists
from pipelines.holdings.outstanding import outstanding_instead, outstanding_of
from pipelines.holdings.restored import unknown_lists
from pipelines.holdings.still_held import may_hold_forbidden
from portal.origins import day_of_customers
from portal.status import Status, reason_here, renewing, status_of
from schemas.journal import Confirmation, UploadStep, names_of_lists
from schemas.network import Network, networks
from schemas.said import Said
from schemas.segment import Audience
from schemas.settings import Settings
from schemas.uploads import Ledger, Manifest


@dataclass(frozen=True)
class Row:
    """What the page knows of an audience at a glance."""

    audience: Audience
    #: Which of the network's accounts it is in; None where there is only one.
    account: str | None
    network: Network
    title: str
    public_name: str
    purpose: str
    rule: str
    owner: str
    declared: bool
    #: In the full file that can be uploaded, whatever a later night would have put in one; before there is any, as many
    #: as the last night found. None if the newest version has only removals, or if it is not known how many are left
    #: of those that its full file was made of.
    people: int | None
    #: People now less people in the version that went into the newest list last; None if none is open.
    change: int | None
    #: The day whose customers its newest version is of.
    as_of: date | None
    version: str | None
    manifest: Manifest | None
    #: Of the last night that reached it, else of its full file.
    ledger: Ledger | None
    status: Status
    #: The day of the last night that reached it, if that held it back; it may have published what must leave all the
    #: same.
    held_on: date | None
    #: Whether the files of its newest version were withdrawn; then no version is to be uploaded.
    is_withdrawn: bool
    #: Whether its list may then hold who must leave, by all that is known without a night.
    may_hold_forbidden: bool
    #: Whether some list of it may still hold somebody erased, by what the last night knew: an old one, too.
    may_hold_erased: bool
    #: Whether lists may be there that only the network knows: the home was restored from a backup since one was filled.
    has_unknown_lists: bool
    #: Why it was held or retired.
    reason: Said | None
    #: Why the steps are not simply to add and to remove.
    because: Said | None
    #: The day on which the network begins to forget its members; None if it does not, or no list is open.
    expires: date | None
    #: In so many days; 0 or less: it has begun.
    expires_in: int | None
    #: What the network forgets when, if nobody uploads; None if the last run did not know of the newest upload.
    forecast: Forecast | None
    confirmed_at: datetime | None
    lists: tuple[OpenList, ...]
    #: What a list made now has in its name behind the public one.
    new_mark: str
    #: What is to be done at the network, in order.
    steps: tuple[UploadStep, ...]
    #: What can be done instead, in order.
    alternative: tuple[UploadStep, ...]

    @property
    def is_held(self) -> bool:
        return self.held_on is not None

    @property
    def has_expired(self) -> bool:
        """Whether the network has begun to forget what its list holds."""
        return self.expires_in is not None and self.expires_in <= 0

    def is_open(self, version: str) -> bool:
        """Whether a list is open that the version went into."""
        return any(version in each.versions for each in self.lists)

    @property
    def rows(self) -> int | None:
        """Rows of the full file, where it is not known how many people they are of."""
        known = self.people is not None or self.manifest is None or not self.manifest.has_file("full")
        return None if known or self.manifest is None else self.manifest.full_rows

    @property
    def names_of_lists(self) -> tuple[str, ...]:
        """The network's lists that the full files are for, where it keeps several."""
        return names_of_lists(self.manifest.lists_of("full")) if self.manifest is not None else ()

    @property
    def search_text(self) -> str:
        return " ".join((self.title, self.public_name, self.purpose, self.network.title, self.account or "")).lower()


#: Of an audience that never had a version.
_NOTHING = Offered(None)


class _RowsOfDay(NamedTuple):
    mark: object
    day: date
    rows: tuple[Row, ...]


class Overview:
    """The rows of all audiences, kept until something is written."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self._catalog, self._settings = catalog, settings
        self._changes = catalog.changes()
        self._known: _RowsOfDay | None = None
        self._lock = threading.Lock()

    def rows(self, today: date) -> tuple[Row, ...]:
        """Every audience, by network and title."""
        with self._lock:
            mark = self._changes.mark()
            if self._known is None or (self._known.mark, self._known.day) != (mark, today):
                self._known = _RowsOfDay(mark, today, _rows(self._catalog, self._settings, today))
            return self._known.rows

    def row(self, audience: Audience, today: date) -> Row | None:
        return next((row for row in self.rows(today) if row.audience == audience), None)

    def close(self) -> None:
        self._changes.close()


class _Tables:
    """What the catalog knows of all audiences, read once."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self.catalog, self.settings = catalog, settings
        self.restored_at = restored_at(catalog)
        self.outcomes = {Audience.of(row): row for row in newest_rows(catalog, OUTCOMES)}
        self.offers = offered(catalog, self.outcomes.values())
        self.described = descriptions(catalog)
        self.standing: dict[Audience, list[Confirmation]] = {}
        for confirmation in confirmations(catalog):
            self.standing.setdefault(confirmation.audience, []).append(confirmation)
        self.people = _people_of_uploaded(catalog, self.standing)
        self.forecasts = forecasts(catalog)
        self.holding_erased = audiences_holding_erased(catalog)
        self.reasons = catalog.reasons({row["as_of"] for row in self.outcomes.values()})
        every = {*self.offers, *self.outcomes, *self.described, *self.standing}
        self.audiences = {each for each in every if each.network in networks()}
        self.titles = _titles(self.audiences, self.described)
        self.accounts: dict[str, set[str]] = {}
        for audience in self.audiences:
            self.accounts.setdefault(audience.network, set()).add(audience.account)


def _rows(catalog: Catalog, settings: Settings, today: date) -> tuple[Row, ...]:
    tables = _Tables(catalog, settings)
    rows = [_row(audience, tables, today) for audience in tables.audiences]
    return tuple(sorted(rows, key=lambda row: (row.network.title.lower(), row.title.lower(), row.audience)))


def _titles(audiences: Collection[Audience], described: Mapping[Audience, sa.RowMapping]) -> dict[Audience, str]:
    """What each is called: by its file too, where it is no longer declared and another one is called so there now."""
    titles = {
        each: described[each]["title"] if each in described else each.segment.replace("_", " ").capitalize()
        for each in audiences
    }
    used = {each for each in audiences if each not in described or described[each]["declared"]}
    taken = {(each.network, each.account, titles[each]) for each in used}
    return {
        each: title if each in used or (each.network, each.account, title) not in taken else f"{title} ({each.segment})"
        for each, title in titles.items()
    }


def _row(audience: Audience, tables: _Tables, today: date) -> Row:
    described, outcome = tables.described.get(audience), tables.outcomes.get(audience)
    offer, standing = tables.offers.get(audience, _NOTHING), tables.standing.get(audience, [])
    expiring = _expiring(tables, audience, standing)
    reason = tables.reasons.get((audience, outcome["as_of"])) if outcome is not None else None
    people_then = tables.people.get(audience)
    network, newest, manifest = networks()[audience.network], offer.version, offer.manifest
    ledger = Ledger.model_validate(outcome["ledger"]) if outcome is not None and outcome["ledger"] else None
    people = offer.people if manifest is not None else ledger and ledger.file_people
    lists = open_lists(standing)
    planned = outstanding_of(offer, standing)
    filled = [each for each in standing if each.kind != "deleted"]
    confirmed_at = filled[-1].confirmed_at if filled and lists else None
    held_on = outcome["as_of"] if outcome is not None and outcome["outcome"] == "held" else None
    expires_in = (expiring.first - today).days if expiring.first is not None else None
    declared = bool(described["declared"]) if described is not None else True
    status = status_of(
        manifest=manifest,
        is_withdrawn=offer.is_withdrawn,
        is_held=held_on is not None,
        reason=reason,
        lists=lists,
        steps=planned,
        expires_soon=expires_in is not None and expires_in <= expiring.margin.days,
        declared=declared,
    )
    return Row(
        audience=audience,
        account=audience.account if len(tables.accounts[audience.network]) > 1 else None,
        network=network,
        title=tables.titles[audience],
        public_name=(described or newest or {"public_name": audience.segment})["public_name"],
        purpose=described["purpose"] if described is not None else "",
        rule=described["rule"] if described is not None else "",
        owner=described["owner"] if described is not None else "",
        declared=declared,
        people=people,
        change=people - people_then if people is not None and people_then is not None else None,
        as_of=day_of_customers(tables.catalog, audience, manifest) if manifest is not None else None,
        version=newest["version"] if newest is not None else None,
        manifest=manifest,
        ledger=ledger if ledger is not None or not people else manifest and manifest.ledger,
        status=status,
        held_on=held_on,
        is_withdrawn=offer.is_withdrawn,
        may_hold_forbidden=offer.withdrawn is not None
        and may_hold_forbidden(tables.catalog, audience, offer.withdrawn, standing),
        may_hold_erased=audience in tables.holding_erased,
        has_unknown_lists=bool(unknown_lists(lists, tables.restored_at)),
        reason=reason_here(reason),
        because=offer.because,
        expires=expiring.first,
        expires_in=expires_in,
        forecast=expiring.forecast,
        confirmed_at=confirmed_at,
        lists=lists,
        new_mark=_new_mark(newest["version"], standing, planned) if newest is not None else "",
        steps=planned or renewing(manifest, status, lists),
        alternative=outstanding_instead(manifest, standing) if manifest is not None else (),
    )


def _new_mark(version: str, standing: list[Confirmation], steps: Iterable[UploadStep]) -> str:
    """What a list made now is called by, also where one is to be deleted of which nobody said that it was made."""
    return mark_of_new_list(version, standing) or (version if any(step.kind == "deleted" for step in steps) else "")


class _Expiring(NamedTuple):
    first: date | None
    margin: timedelta
    forecast: Forecast | None


def _expiring(tables: _Tables, audience: Audience, standing: list[Confirmation]) -> _Expiring:
    """What the network forgets when: as the last run counted, or by the journal if something was confirmed since."""
    lists, known = open_lists(standing), tables.forecasts.get(audience)
    expiry = expiry_of(networks()[audience.network], lists, tables.settings)
    if expiry is None:
        return _Expiring(None, timedelta(), None)
    if known is not None and known.base == forecast_base(lists, expiry):
        return _Expiring(known.days[0][0], expiry.margin, known)
    added = {version for version, kind in lists[-1].uploads if kind == "added"}
    renewed = {
        row["version"]: manifest_of(row).renewed_uploads
        for row in (tables.catalog.versions(audience, None) if added else ())
        if row["version"] in added
    }
    return _Expiring(first_forgotten(expiry, lists[-1], renewed), expiry.margin, None)


def _people_of_uploaded(catalog: Catalog, standing: dict[Audience, list[Confirmation]]) -> dict[Audience, int | None]:
    """The people of the version that went into each audience's newest list last."""
    lists = {audience: open_lists(each) for audience, each in standing.items()}
    last = {audience: each[-1].uploads[-1][0] for audience, each in lists.items() if each}
    query = sa.select(*(VERSIONS.c[name] for name in (*Audience._fields, "version", "manifest"))).where(
        VERSIONS.c.version.in_(set(last.values()))
    )
    with catalog.reading() as connection:
        rows = connection.execute(query).mappings().all()
    return {
        Audience.of(row): manifest_of(row).full_people for row in rows if last.get(Audience.of(row)) == row["version"]
    }
