"""`relance why`: why a person is in an audience, or is not."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from catalog.descriptions import descriptions
from catalog.store import Catalog, open_catalog
from commands.context import OUT, ConfigOption, HomeOption, config_folder, home_at, told, warehouse_at
from schemas.config import Config, read_config
from schemas.counts import count_of
from schemas.errors import ConfigError
from schemas.segment import Audience
from schemas.uploads import VersionState, reason_said
from schemas.why import AudienceAnswer, Erased, Explanation, InList, RetiredAnswer

if TYPE_CHECKING:
    import polars as pl

    from pipelines.history.nights import Night

#: What `--reveal` shows of each record.
_RAW = ("customer_id", "email", "phone", "first_name", "last_name", "street", "city", "postal_code", "country")

#: What is shown of a statement.
_EVIDENCE = (
    "network", "purpose", "outcome", "status", "scope", "record_id", "said_of", "said_for", "captured_at", "valid_from",
    "valid_to", "source",
)  # fmt: skip

#: What is said of a version that is not there any more.
_GONE: dict[VersionState | None, str] = {
    "withdrawn": ", whose files were withdrawn since",
    "lost": ", whose files were lost since",
    "expired": ", whose files are kept no longer",
}

_HOLDS = {True: "yes", False: "no", None: "no (nothing known)"}


def why(  # noqa: PLR0913, PLR0917 - the options of a command
    customer_id: Annotated[str, typer.Argument(help="The CRM record's id.", show_default=False)],
    audience: Annotated[
        str | None, typer.Option("--audience", help="NETWORK/AUDIENCE; all of them without it.")
    ] = None,
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="A kept night.", show_default="the newest")
    ] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show raw addresses too; the audit log says so.")] = False,
    config: ConfigOption = None,
    home: HomeOption = None,
) -> None:
    """Show why a person is in each audience or not: records, rule, consent, ledger reason, on any kept night."""
    # Reading rules takes a SQL parser, which the other commands need not wait for.
    from pipelines.history.declared import config_of
    from pipelines.history.in_lists import in_lists
    from pipelines.history.nights import kept_night
    from pipelines.history.why import why as explain

    with told():
        settings = read_config(config_folder(config)).settings
        with warehouse_at(home, settings) as (warehouse, keys), open_catalog(home_at(home)) as catalog:
            night = kept_night(warehouse, on.date() if on else None, settings.history_days)
            declared = config_of(night)
            named = None if audience is None else Audience.named(audience)
            retired = named if named is not None and _is_retired(named, declared, catalog) else None
            audiences = () if retired is not None else _asked(declared, named)
            answer = explain(night, catalog, declared, customer_id, audiences=audiences, identity_key=keys.identity)
            if isinstance(answer, Erased):
                asked = answer.requested_at.astimezone(settings.zone)
                OUT.print(
                    f"Erased on request {answer.request_id} of {asked:%Y-%m-%d}. Nothing else is known.", soft_wrap=True
                )
                return
            raw = _revealed(night, catalog, answer) if reveal else None
            held = None
            if retired is not None:
                network = declared.networks[retired.network]
                held = in_lists(night, catalog, retired, network, answer.person_id)
    _print_person(answer, declared.settings.zone, raw)
    if held is not None:
        _print_retired(held, answer.day)
        return
    _print_audiences(answer, declared)


def _is_retired(audience: Audience, config: Config, catalog: Catalog) -> bool:
    """Whether it has left the config; on the nights before that it is an audience as any other."""
    known = descriptions(catalog).get(audience)
    gone = known is not None and not known["declared"]
    return gone and audience not in config.audiences and audience.network in config.networks


def _asked(config: Config, audience: Audience | None) -> tuple[Audience, ...]:
    if audience is None:
        return tuple(config.audiences)
    if audience not in config.audiences:
        msg = f"{audience} was no audience of that night. There were {', '.join(map(str, config.audiences))}."
        raise ConfigError(msg)
    return (audience,)


def _revealed(night: Night, catalog: Catalog, answer: Explanation) -> pl.DataFrame:
    """The raw records, after the audit log says that they are shown."""
    catalog.record("revealed", f"person:{answer.person_id}", {"as_of": answer.day.isoformat()})
    return night.read(
        f"SELECT {', '.join(_RAW)} FROM {night.table('crm_customers')} "
        "WHERE list_contains($ids::VARCHAR[], customer_id)",
        ids=answer.records["customer_id"].to_list(),
    )


def _print_person(answer: Explanation, zone: ZoneInfo, raw: pl.DataFrame | None) -> None:
    OUT.print(f"Person {answer.person_id} on {answer.day}.")
    if answer.by_former_id:
        OUT.print(
            "The CRM has no such record any more: it gave it another id, or merged it into another. What is said below "
            "is of whoever has it now.",
            soft_wrap=True,
        )
    if answer.others:
        OUT.print(f"Others came of it as well; ask for them by: {', '.join(answer.others)}.", soft_wrap=True)
    OUT.print(_table(answer.records, "CRM records", zone))
    if answer.former_ids:
        stand = "stands" if answer.former_ids == 1 else "stand"
        OUT.print(f"Merged: {count_of(answer.former_ids, 'other person id')} {stand} for this person now.")
    changed = [f"{table} {day}" for table, day in answer.changed.items() if day is not None]
    OUT.print(f"Last changed: {', '.join(changed) or 'before what is kept'}.", soft_wrap=True)
    if raw is not None:
        OUT.print(_table(raw, "As the CRM has them (the audit log says that you saw this)", zone))


def _print_audiences(answer: Explanation, config: Config) -> None:
    for each in answer.audiences:
        _print_audience(each, config)
    networks = {each.audience.network for each in answer.audiences}
    evidence = answer.evidence.filter(answer.evidence["network"].is_in(sorted(networks)))
    if evidence.is_empty():
        OUT.print("Consent: nothing is on record.")
    else:
        # A word that begins or ends explains why it is none; most have neither.
        unbounded = [name for name in ("valid_from", "valid_to") if evidence[name].null_count() == evidence.height]
        shown = evidence.select(_EVIDENCE).drop(unbounded)
        OUT.print(_table(shown, "Consent: the statements that decide", config.settings.zone))


def _print_retired(answer: RetiredAnswer, day: date) -> None:
    since = f" since {answer.since}" if answer.since else ""
    OUT.print()
    OUT.print(
        f"{answer.audience}: no longer declared{since}, so that nobody is added and its lists are to be deleted; "
        "`relance status` says what of that is still to be done.",
        soft_wrap=True,
        style="bold",
    )
    for each in answer.lists:
        OUT.print(f"  {_in_list(each, day)}", soft_wrap=True)
    if not answer.lists:
        OUT.print("  No list of it is open, by all that was confirmed.")


def _in_list(answer: InList, day: date) -> str:
    keys = ", ".join(answer.keys)
    if answer.filled_with is None:
        return f"A list that somebody filled without confirming it may hold the person, by {keys}."
    by = f"holds the person, by {keys}" if keys else f"holds none of the keys that the person had on {day}"
    unknown = f"; what {', '.join(answer.unknown)} brought is no longer known" if answer.unknown else ""
    return f"The list last filled with {answer.filled_with} {by}{unknown}."


def _print_audience(answer: AudienceAnswer, config: Config) -> None:
    OUT.print()
    OUT.print(f"{answer.audience}: {_verdict(answer)}.", soft_wrap=True, style="bold")
    if answer.outcome is not None:
        version = f", version {answer.version}{_GONE.get(answer.state, '')}" if answer.version else ""
        because = f": {answer.held_because}" if answer.held_because else ""
        stays = " Nobody came to its list, which stays but for what must leave it." * (answer.outcome == "held")
        OUT.print(f"  That night: {answer.outcome}{version}{because}.{stays}", soft_wrap=True)
    if not answer.rule:
        OUT.print("  The person has no features of that night: it did not come that far.")
    else:
        OUT.print(f"  Rule of {config.segments[answer.audience.segment].title!r}:", soft_wrap=True)
    for part in answer.rule:
        OUT.print(f"  {'  ' * part.depth}  {_HOLDS[part.holds]}: {part.text}", soft_wrap=True)
    seen = ", ".join(f"{name} = {'not known' if value is None else value}" for name, value in answer.seen.items())
    if seen:
        OUT.print(f"  The rule saw: {seen}.", soft_wrap=True)
    if answer.refused_keys:
        OUT.print(
            f"  Keys that stay out because somebody who shares them is refused: {', '.join(answer.refused_keys)}.",
            soft_wrap=True,
        )
    if answer.left_keys:
        OUT.print(
            "  Keys that stay out because the audience leaves out somebody who shares them: "
            f"{', '.join(answer.left_keys)}.",
            soft_wrap=True,
        )
    if answer.alike:
        same = "1 other in it is" if answer.alike == 1 else f"{answer.alike:,} others in it are"
        OUT.print(
            f"  To the network {same} the same as this person. All are one row; the ledger counts one of them, and the "
            "rest as duplicate after hashing.",
            soft_wrap=True,
        )
    if answer.refused_since:
        OUT.print(
            f"  Since that night the person may not be sent there any more: {reason_said(answer.refused_since)}.",
            soft_wrap=True,
        )
    if answer.on_assumption or answer.by_other_purpose:
        why = "an assumption in relance.toml" if answer.on_assumption else "a word on another purpose"
        OUT.print(f"  Consent rests on {why}.")


def _verdict(answer: AudienceAnswer) -> str:
    reason = None if answer.reason is None else reason_said(answer.reason)
    if not answer.is_member:
        left = f" since {answer.left_on}" if answer.left_on else ""
        also = f"; a member would be out for: {reason}" if reason else ""
        return f"not in the segment{left}{also}"
    member = f"in the segment since {answer.member_since}"
    if answer.outcome == "held":
        # What was worked out is no file: the list keeps whom it had.
        out = (
            f"would be in no file of that night: {reason}" if reason else "nothing would keep the person out of a file"
        )
        return f"{member}; the audience was held, {out}"
    if reason is not None:
        return f"{member}, not in the file: {reason}"
    return f"{member}, nothing keeps the person out of the file"


def _table(frame: pl.DataFrame, title: str, zone: ZoneInfo) -> Table:
    table = Table(*frame.columns, title=title, title_justify="left")
    for row in frame.iter_rows():
        table.add_row(*(_shown(value, zone) for value in row))
    return table


def _shown(value: object, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"
    return "–" if value is None else str(value)
