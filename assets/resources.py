"""The open home and the declared config, held for one run."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import sqlalchemy as sa
from pydantic import PrivateAttr

from assets.failures import ended_if_it_fails, told
from assets.nights import (
    CHOSEN_DAY,
    Launched,
    allowed_by,
    is_whole,
    record_launch,
    stage_lines,
    unknown_audiences,
    why_broken_off,
)
from assets.opened import Opened
from catalog.allowances import allow_in_run
from catalog.descriptions import describe, record_overlaps
from catalog.home import Environment, Home
from catalog.nights import night_of_run, record_config_changes, record_notices, record_stages
from catalog.outcomes import take_over
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from catalog.warehouse import Warehouse, open_warehouse
from pipelines.crm.days import check_asked_day, default_day
from pipelines.crm.days_to_come import day_to_come, newest_read
from pipelines.crm.known import known_tables
from pipelines.crm.pull import Reading
from pipelines.crm.read import Crm
from pipelines.erasure.erasing import Erasing
from pipelines.erasure.settle import settle
from pipelines.history.config_changes import changes_tonight
from pipelines.history.declared import keep_files
from pipelines.history.past_rows import past_rows
from pipelines.history.set_aside import expire_quarantine
from pipelines.holdings.lost_networks import check_networks_are_known
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.restored import restoration_told
from pipelines.holdings.withdrawal import hold_withdrawn
from pipelines.night_ending import ending
from pipelines.segments.overlaps import overlaps
from pipelines.tables import intervals
from pipelines.uploads.after_failure import publish_removals
from pipelines.uploads.forecasts import update_forecasts
from pipelines.uploads.heard_alone import hear_alone
from pipelines.uploads.in_turn import SEGMENT, check_in_turn, taking_turn
from pipelines.uploads.rows.audience_rows import ListRows
from pipelines.uploads.tonight import Tonight
from pipelines.uploads.versions.publication import check_newest
from pipelines.uploads.versions.reconciliation import reconcile
from pipelines.uploads.versions.retention import expire
from pipelines.uploads.versions.retired import end_leaves, retired_audiences
from schemas.config import Config, read_config
from schemas.errors import DayError, RelanceError, UnreachableSourceError
from schemas.said import Said
from schemas.segment import Audience


class Relance(dg.ConfigurableResource):
    """Everything a run needs. It locks the home for the whole run."""

    home_folder: str
    config_folder: str
    keys_folder: str
    _opened: Opened = PrivateAttr()

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        run = Launched.of(context)
        as_of = run.day
        if as_of is None:
            msg = Said("This run is about no day. Choose a partition: one day, and one run for each.")
            raise DayError(msg)
        config = read_config(Path(self.config_folder))
        home = Home.at(Path(self.home_folder), Path(self.keys_folder), Environment().catalog)
        keys = open_keys(home)
        with ExitStack() as opening:
            warehouse = opening.enter_context(
                open_warehouse(home, keys, config.settings.memory_limit, config.settings.time_zone)
            )
            catalog = opening.enter_context(open_catalog(home))
            night = catalog.begin_night(as_of)
            with ended_if_it_fails(catalog, night, home):
                record_launch(catalog, night, run)
                known = known_tables(warehouse, config.sources, config.settings, config.rates)
                crm = Crm(warehouse.connection, config.sources, config.folder, home.root, known)
                allow_in_run(catalog, allowed_by(run.tags, config.audiences), night, run.root)
                self._opened = Opened(
                    config, home, keys, warehouse, catalog, night, as_of, opening, crm, run.root, run.newest_day
                )
                record_notices(catalog, night, "restored", restoration_told(catalog))
                record_notices(catalog, night, "clock", day_to_come(as_of, self.newest_read(), config, self.now()))
                check_networks_are_known(catalog, config.networks)
                reconcile(self.outbox)
                expire(self.outbox)
                expire_quarantine(warehouse, as_of)
                describe(catalog, config.segments)
                end_leaves(catalog, config)
                self._opened.config = replace(config, retired=retired_audiences(catalog, warehouse, config))
                if as_of == self.newest_read():
                    self._keep_files()
            self._opened.stack = opening.pop_all()

    def _keep_files(self) -> None:
        """Keep what the night is decided by: of the newest day, since an older one that is worked out again decides
        nothing; and of a day to come once it is known to be the right one.
        """
        opened = self._opened
        if opened.files_kept:
            return
        changes = changes_tonight(opened.warehouse, opened.catalog, opened.config, opened.as_of)
        record_config_changes(opened.catalog, opened.night, changes)
        keep_files(opened.warehouse, opened.config, day=opened.as_of)
        opened.files_kept = True

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        opened = self._opened
        with opened.stack:
            self._run_last_stages()
            hold_withdrawn(opened.catalog, opened.night)
            self._end_night(context)
            opened.catalog.sign_audit_head(opened.home, opened.keys)

    def _run_last_stages(self) -> None:
        """What a night ends with however its assets ended; what fails is noted as theirs is."""
        opened = self._opened
        with suppress(RelanceError), self.stage("overlaps"):
            record_overlaps(opened.catalog, overlaps(opened.warehouse, opened.config.segments))
        with suppress(RelanceError), self.stage("forecasts"):
            update_forecasts(opened.catalog, opened.warehouse, opened.config.settings)
        # A day that is refused changes nothing.
        if opened.failures and not isinstance(next(iter(opened.failures.values())), DayError):
            self._remove_all_the_same()
        # It comes last: the warehouse may be written anew, and is closed then.
        with suppress(RelanceError), self.stage("erasures"):
            settle(self.erasing)

    def _remove_all_the_same(self) -> None:
        """After a failure, hear who must leave the lists, and publish that."""
        opened = self._opened
        if opened.reading is not None:
            with suppress(RelanceError), self.stage("hearing"):
                unheard = hear_alone(self.erasing, opened.reading, failures=opened.failures)
                opened.failures.update((f"hearing.{place}", error) for place, error in enumerate(unheard))
        with suppress(RelanceError), self.stage("removals"):
            publish_removals(self.erasing, self.outbox, newest=self.newest_read(), past_rows=self.past_rows)

    def _end_night(self, context: dg.InitResourceContext) -> None:
        """Write how the night ended, and what its stages did."""
        opened, instance, run = self._opened, context.instance, context.run
        outcomes = self._outcomes()
        reached = set(map(Audience.of, outcomes))
        unknown = [audience for audience in opened.config.audiences if audience not in reached]
        broken, whole = None, False
        if instance is not None and run is not None:
            record_stages(opened.catalog, opened.night, stage_lines(instance, run.run_id))
            broken, whole = why_broken_off(instance, run), is_whole(instance, run)
        held = any(row["outcome"] == "held" for row in outcomes)
        ended = ending([*opened.failures.values()], broken, is_partial=bool(unknown) and not whole, is_held=held)
        if ended.outcome in {"held", "done"}:
            record_notices(opened.catalog, opened.night, "config", unknown_audiences(unknown))
            take_over(opened.catalog, opened.night, since=self._first_night(), as_of=opened.as_of)
        opened.catalog.end_night(opened.night, *ended)

    def _outcomes(self) -> list[sa.RowMapping]:
        """What became of each audience that the run reached, or the one that it takes up where that failed."""
        opened, since = self._opened, self._first_night()
        return [row for row in opened.catalog.outcomes_of_day(opened.as_of) if row["night"] >= since]

    def _first_night(self) -> int:
        """The night of the run that this one takes up in the end, or its own."""
        return night_of_run(self._opened.catalog, self._opened.root_run) or self._opened.night

    @property
    def declared(self) -> Config:
        return self._opened.config

    @property
    def warehouse(self) -> Warehouse:
        return self._opened.warehouse

    @property
    def identity_key(self) -> str:
        return self._opened.keys.identity

    @property
    def outbox(self) -> Outbox:
        opened = self._opened
        return Outbox(opened.home, opened.keys, opened.warehouse, opened.catalog, opened.config.settings, opened.night)

    @property
    def erasing(self) -> Erasing:
        opened = self._opened
        return Erasing(opened.home, opened.keys, opened.warehouse, opened.catalog, opened.config, datetime.now(UTC))

    def reading(self, context: dg.AssetExecutionContext) -> Reading:
        """The CRM opened for the run's day, after checking that it can be read for it."""
        opened, as_of = self._opened, day_of(context)
        settings, crm = opened.config.settings, opened.crm
        now = self.now()
        if opened.default_day is None:
            opened.default_day = default_day(crm, settings.zone, now)
        check_asked_day(
            as_of,
            default=opened.default_day,
            pulled=self.newest_read(),
            chosen=CHOSEN_DAY in context.run.tags,
            now=now,
        )
        self._keep_files()
        opened.reading = Reading(crm, settings, opened.config.rates, self.identity_key, opened.config.networks, as_of)
        return opened.reading

    def now(self) -> datetime:
        """The time in the company's time zone."""
        return datetime.now(UTC).astimezone(self.declared.settings.zone)

    def tonight(self, as_of: date, *segments: str) -> Tonight:
        """What is the same for all audiences that the run publishes; next, one that is made of these segments.

        Raises:
            DayError: the day is not the newest, or what is published was not all worked out for it.
        """
        opened = self._opened
        if opened.tonight is None:
            check_newest(as_of, self.newest_read())
        needed = ["uploads.refused_keys", *(f"{SEGMENT}{name}" for name in segments)]
        check_in_turn(opened.warehouse, needed, as_of=as_of)
        if opened.tonight is None:
            opened.tonight = Tonight(opened.warehouse, opened.config, opened.keys.identity, as_of)
        return opened.tonight

    def past_rows(self, audience: Audience, day: date) -> tuple[ListRows, ...]:
        """The rows that the audience's files had on an earlier day, list by list, as far as they are still known."""
        declared = self.declared
        network = declared.networks[audience.network]
        return past_rows(audience, network, day, self.warehouse, declared.settings.history_days)

    def newest_read(self) -> date | None:
        return newest_read(self.warehouse)

    def table(self, name: str) -> pl.DataFrame:
        """A warehouse table, whole."""
        return self.warehouse.read(f"FROM warehouse.{name}")

    def replace_dated(self, name: str, frame: pl.DataFrame, as_of: date) -> None:
        """Make `frame` the content of a table of which earlier days are kept."""
        intervals.replace(self.warehouse, name, frame, day=as_of, kept_days=self.declared.settings.history_days)

    @contextmanager
    def stage(
        self, name: str, pulling: dg.AssetExecutionContext | None = None, *, publishes: bool = False
    ) -> Iterator[None]:
        """The border of a stage: what fails inside leaves as a sentence without values of rows, and is noted.

        A stage that pulls from a source names its context: a source that cannot be reached is tried again. One that
        only publishes changes nothing that others publish by.
        """
        opened = self._opened
        if not publishes:
            opened.tonight = None
            # Such a stage may delete rows.
            self.warehouse.make_room()
        retries = self.declared.settings.source_retries
        try:
            with nullcontext() if publishes else taking_turn(opened.warehouse, name, opened.as_of):
                yield
        except UnreachableSourceError as error:
            if pulling is None or pulling.retry_number >= retries.times:
                opened.failures[name] = error
                raise
            seconds = retries.seconds * 2**pulling.retry_number
            raise dg.RetryRequested(max_retries=retries.times, seconds_to_wait=seconds) from error
        except RelanceError as error:
            opened.failures[name] = error
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, only its place may be told
            opened.failures[name] = told(name, error, opened.home)
            raise opened.failures[name] from None


def day_of(context: dg.AssetExecutionContext) -> date:
    """The day that the run is about: its partition."""
    return date.fromisoformat(context.partition_key)
