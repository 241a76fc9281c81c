"""`relance certificate`: the signed proof of what became of a request to be forgotten."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from catalog.erasures import erasure_requests
from catalog.home import Home
from catalog.secret_keys import SecretKeys, open_keys
from catalog.store import Catalog
from catalog.warehouse import open_warehouse
from commands.context import ERRORS, OUT, ConfigOption, HomeOption, catalog_at, config_folder, home_at, told
from schemas.config import Config, read_config
from schemas.erasure import Certificate, ErasureRequest, Removal
from schemas.errors import HomeLockedError

#: Of an audience with a list that was filled before the home was restored.
_UNKNOWN = "this home was restored from a backup since a list was filled, so that nobody knows whether it holds a key"

#: Of one that came after that.
_MADE_SINCE = (
    "This home was restored from a backup on {day}: a list that was made between the backup and then, and that nobody "
    "deleted at its network, may hold this person."
)

#: Of one that no longer keeps anything out.
_CONSENTED = (
    "A consent that came after the request lifts it: what the CRM has of this person stays, and may be uploaded."
)

#: Of a request that covers nothing, by whether it names a customer id.
_NOBODY = {
    True: "It names no record that the CRM or a kept night had. If the CRM writes it otherwise (zeros in front, a "
    "prefix), nobody was forgotten by it.",
    False: "It covers no record of the CRM or of a kept night: none has this address alone. Where a record has it "
    "beside another, the address is forgotten and the record stays.",
}


def certificate(
    request: Annotated[str | None, typer.Argument(help="The request.", show_default="list them all")] = None,
    config: ConfigOption = None,
    home: HomeOption = None,
) -> None:
    """Print a request's certificate, signed JSON that `relance verify` checks; without one, list the requests."""
    from pipelines.erasure.certificate import certificate_of
    from pipelines.tombstones.names import seen_name

    with told(), catalog_at(home) as catalog:
        requests = erasure_requests(catalog)
        if not requests and request is None:
            OUT.print("Nobody asked to be forgotten.")
            return
        place, declared = home_at(home), read_config(config_folder(config))
        keys = open_keys(place)
        if request is not None:
            if request not in {each.request_id for each in requests}:
                request = seen_name(request, keys.identity)
            # A name that nobody has is told before anything is done.
            certificate_of(catalog, request, keys)
        _bring_up_to_date(place, keys, catalog, declared)
        catalog.sign_audit_head(place, keys)
        if request is None:
            _list(erasure_requests(catalog), declared.settings.zone)
            return
        found = certificate_of(catalog, request, keys)
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
        for sentence in _summary(found, declared.settings.zone):
            ERRORS.print(sentence, soft_wrap=True)


def _bring_up_to_date(home: Home, keys: SecretKeys, catalog: Catalog, declared: Config) -> None:
    """What was confirmed since the last run may have closed requests."""
    from pipelines.erasure.erasing import Erasing
    from pipelines.erasure.settle import update_removals

    try:
        with open_warehouse(home, keys, declared.settings.memory_limit, declared.settings.time_zone) as warehouse:
            update_removals(Erasing(home, keys, warehouse, catalog, declared, datetime.now(UTC)))
    except HomeLockedError:
        ERRORS.print("A run holds the home: this is as of the end of the run before.", soft_wrap=True)


def _list(requests: list[ErasureRequest], zone: ZoneInfo) -> None:
    for request in requests:
        kind, asked = request.kind.replace("_", " "), request.requested_at.astimezone(zone)
        OUT.print(f"{request.request_id}: by {kind}, asked {asked:%Y-%m-%d}, {request.state}")


def _summary(certificate: Certificate, zone: ZoneInfo) -> list[str]:
    request, restored_at = certificate.request, certificate.restored_at
    state = {
        "received": "received; the warehouse follows at the end of the run",
        "erased": "erased; the warehouse is to be written anew",
        "removing": "erased here; some network may still hold a key"
        if certificate.removals or certificate.lists_unknown
        else "erased here; no published file carried a key, and the next run closes it",
        "closed": "closed",
    }[request.state]
    unknown = [f"{audience}: {_UNKNOWN}." for audience in certificate.lists_unknown]
    lifted = [_CONSENTED] if request.consented else []
    removals = [_sentence(removal) for removal in certificate.removals]
    made = [_MADE_SINCE.format(day=f"{restored_at.astimezone(zone):%Y-%m-%d}")] if restored_at is not None else []
    nobody = [_NOBODY[request.kind == "customer_id"]] if certificate.names_nobody(datetime.now(UTC)) else []
    return [f"{request.request_id}: {state}.", *lifted, *removals, *unknown, *made, *nobody]


def _sentence(removal: Removal) -> str:
    carried = f"{removal.audience}: carried by {', '.join(removal.carried_by)}"
    if removal.state == "due":
        return f"{carried}; the next run publishes its removal."
    if removal.state == "consented":
        return f"{carried}; the person has consented again since."
    if removal.state == "closed":
        return f"{carried}; gone by {removal.confirmation or 'no list being open'}."
    return f"{carried}; to be taken out as the plan of {removal.removed_by} says, of which a step is not confirmed yet."
