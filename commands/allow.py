"""`relance allow`: let an audience that the brake holds pass, once; or take that leave back."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Annotated

import typer

from catalog.allowances import allow as allow_once
from catalog.allowances import standing_leaves, take_back
from catalog.nights import newest_night
from catalog.store import Catalog
from commands.confirm import AudienceArgument
from commands.context import OUT, ConfigOption, HomeOption, catalog_at, config_folder, kept_reason, told
from schemas.brake import HOLDS
from schemas.config import read_config
from schemas.errors import ConfigError
from schemas.said import Said
from schemas.segment import Audience, declared_audience
from schemas.too_small import SHORT_AND_CHANGED


def allow(
    audience: AudienceArgument,
    reason: Annotated[
        str, typer.Option("--reason", help="Why the change is right, or no longer; kept beside the leave.")
    ],
    taking_back: Annotated[
        bool, typer.Option("--take-back", help="Take back a leave that no night has used yet.")
    ] = False,
    config: ConfigOption = None,
    home: HomeOption = None,
) -> None:
    """Let an audience pass the brake the next time that it trips, or no longer; the audit log says who said so."""
    with told():
        if taking_back:
            chosen = Audience.named(audience)
        else:
            chosen = declared_audience(audience, read_config(config_folder(config)).audiences)
        why = kept_reason(reason)
        with catalog_at(home) as catalog:
            if taking_back:
                _take_back(catalog, chosen, why)
            else:
                _allow(catalog, chosen, why)


def _allow(catalog: Catalog, audience: Audience, reason: str) -> None:
    from pipelines.uploads.brake import silence_forbids

    reason_held = _why_held(catalog, audience)
    is_held = reason_held is not None and reason_held.sentence in {HOLDS, SHORT_AND_CHANGED}
    if not allow_once(catalog, audience, reason, is_held=is_held):
        for waiting in standing_leaves(catalog):
            if waiting.audience == audience:
                OUT.print(
                    f"It was allowed already, by {waiting.by} on {waiting.at:%Y-%m-%d}: {waiting.reason.rstrip('.')}. "
                    "That leave stands and is for one night; no second one is given, and the new reason is not kept. "
                    "To replace it, end it first with `--take-back`.",
                    soft_wrap=True,
                )
    if reason_held is not None and reason_held.sentence == HOLDS:
        OUT.print(
            f"{audience} passes the brake the next time that it trips. `relance run` publishes it.", soft_wrap=True
        )
        for warning in _warnings({change.sentence for change in reason_held.values["changes"]}):
            OUT.print(f"{warning} `--take-back` ends the leave.", soft_wrap=True)
        return
    changes = reason_held.values["changes"] if reason_held and reason_held.sentence == SHORT_AND_CHANGED else []
    if not silence_forbids(changes):
        OUT.print(
            f"{audience} is too small to be published, and the leave waits until it is not. Meanwhile its list loses "
            "those who have no consent on record any more: if the export of consents was cut off, load it whole first. "
            "`--take-back` ends the leave.",
            soft_wrap=True,
        )
        return
    held = "The last night did not hold it"
    if reason_held is not None:
        held = f"The last night held it for what no leave changes ({reason_held})"
    OUT.print(f"{audience} passes the brake the next time that it trips.", soft_wrap=True)
    OUT.print(
        f"{held}: the leave waits, and lets pass whatever trips the brake next, a CRM that was cut off too. "
        "`--take-back` ends it.",
        soft_wrap=True,
    )


def _warnings(changes: Set[str]) -> Iterator[str]:
    """Whom a leave may let through that nobody means, by the sentences of what trips the brake."""
    from pipelines.uploads.brake import LIST_SHRANK, NAMES_FEWER, NAMES_NOBODY, SET_ASIDE, TABLE_SHRANK

    warnings = (
        (
            {NAMES_NOBODY, NAMES_FEWER},
            "Refusals name their people by ids that no customer has: unless those people left the CRM, let the selects "
            "give the same ids first, since whoever refused so would be uploaded.",
        ),
        (
            {LIST_SHRANK},
            "A suppression list is shorter: whom the missing rows name would be uploaded. If its select names whom it "
            "names tonight only, write may_shrink = true into its rule.",
        ),
        (
            {SET_ASIDE},
            "Most rows of a table of the CRM were set aside, so nobody hears what they say: `relance quarantine` shows "
            "why. A wrong decimal sign, date format or column in sources.toml does that.",
        ),
        (
            {TABLE_SHRANK},
            "A table of the CRM is smaller: if its export was cut off, load it whole first, since a refusal that "
            "stands in a missing row keeps nobody out.",
        ),
    )
    for sentences, warning in warnings:
        if changes & sentences:
            yield warning


def _take_back(catalog: Catalog, audience: Audience, reason: str) -> None:
    """Raises ConfigError: there is no leave to take back."""
    if not take_back(catalog, audience, reason):
        msg = (
            f"{audience} has no leave that waits: none was given, or a night has used it. `relance status` lists them."
        )
        raise ConfigError(msg)
    OUT.print(f"{audience} has no leave any more: the brake holds it when it trips.", soft_wrap=True)


def _why_held(catalog: Catalog, audience: Audience) -> Said | None:
    """Why the last night held it; None if it did not."""
    last = newest_night(catalog)
    outcome = None if last is None else catalog.outcome_on(audience, last["as_of"])
    if last is None or outcome is None or outcome["outcome"] != "held":
        return None
    return catalog.reasons([last["as_of"]]).get((audience, last["as_of"]))
