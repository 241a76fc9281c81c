"""`relance certificate`: the signed proof of what became of a request to be forgotten."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from catalog.erasures import erasure_requests
from catalog.secret_keys import open_keys
from catalog.store import Catalog
from catalog.warehouse import open_warehouse
from commands.context import ERRORS, OUT, ConfigOption, HomeOption, catalog_at, config_folder, home_at, told
from schemas.config import read_config
from schemas.erasure import Certificate, Removal
from schemas.errors import HomeLockedError


def certificate(
    request: Annotated[str | None, typer.Argument(help="The request.", show_default="list them all")] = None,
    config: ConfigOption = None,
    home: HomeOption = None,
) -> None:
    """Print a request's certificate, signed JSON that `relance verify` checks; without one, list the requests."""
    from pipelines.erasure.certificate import certificate_of
    from pipelines.erasure.erasing import Erasing
    from pipelines.erasure.settle import update_removals
    from pipelines.tombstones.names import seen_name

    with told(), catalog_at(home) as catalog:
        if request is None:
            _list(catalog)
            return
        place, declared = home_at(home), read_config(config_folder(config))
        keys = open_keys(place)
        if request not in {each.request_id for each in erasure_requests(catalog)}:
            request = seen_name(request, keys.identity)
        certificate_of(catalog, request, keys)
        try:
            with open_warehouse(place, keys, declared.settings.memory_limit, declared.settings.time_zone) as warehouse:
                update_removals(Erasing(place, keys, warehouse, catalog, declared, datetime.now(UTC)))
        except HomeLockedError:
            ERRORS.print("A run holds the home: this is as of the end of the run before.", soft_wrap=True)
        catalog.sign_audit_head(place, keys)
        found = certificate_of(catalog, request, keys)
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
        for sentence in _summary(found):
            ERRORS.print(sentence, soft_wrap=True)


def _list(catalog: Catalog) -> None:
    requests = erasure_requests(catalog)
    for request in requests:
        kind = request.kind.replace("_", " ")
        OUT.print(f"{request.request_id}: by {kind}, asked {request.requested_at:%Y-%m-%d}, {request.state}")
    if not requests:
        OUT.print("Nobody asked to be forgotten.")


def _summary(certificate: Certificate) -> list[str]:
    request = certificate.request
    state = {
        "received": "received; the warehouse follows at the end of the run",
        "erased": "erased; the warehouse is to be written anew",
        "removing": "erased here; some network may still hold a key"
        if certificate.removals
        else "erased here; no published file carried a key, and the next run closes it",
        "closed": "closed",
    }[request.state]
    return [f"{request.request_id}: {state}.", *(_sentence(removal) for removal in certificate.removals)]


def _sentence(removal: Removal) -> str:
    carried = f"{removal.audience}: carried by {', '.join(removal.carried_by)}"
    if removal.state == "due":
        return f"{carried}; the next run publishes its removal."
    if removal.state == "consented":
        return f"{carried}; the person has consented again since."
    if removal.state == "closed":
        return f"{carried}; gone by {removal.confirmation or 'no list being open'}."
    return f"{carried}; to be taken out with {removal.removed_by}, which nobody has confirmed yet."
