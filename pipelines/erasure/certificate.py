"""The certificate of a request: what it covered, which versions carried keys, and who took them out when."""

from __future__ import annotations

from catalog.erasures import erasure_requests, removals, sealed_records
from catalog.journal import confirmations
from catalog.sealed import unsealed
from catalog.secret_keys import SecretKeys
from catalog.store import Catalog
from pipelines.holdings.restored import Restoration, restoration
from schemas.erasure import Certificate, ErasureRequest, Removal
from schemas.errors import ConfigError
from schemas.uploads import Signature


def certificate_of(catalog: Catalog, request_id: str, keys: SecretKeys) -> Certificate:
    """The signed certificate of the request, as the catalog knows it now.

    Raises:
        ConfigError: there is no such request.
    """
    found = {request.request_id: request for request in erasure_requests(catalog)}
    if request_id not in found:
        newest = ", ".join(list(found)[-3:])
        msg = f"There is no such request. {f'The newest are {newest}' if found else 'Nobody asked to be forgotten'}."
        raise ConfigError(msg)
    restored = restoration(catalog)
    request, removed = _standing(catalog, found[request_id], removals(catalog, request_id), restored)
    certificate = Certificate(
        request=request,
        records=tuple(sorted(unsealed(each, keys.identity) for each in sealed_records(catalog, request_id))),
        removals=removed,
        lists_unknown=restored.audiences if restored.concerns(request) else (),
        restored_at=restored.at if restored.precedes(request) else None,
        audit_head=catalog.audit_head(),
    )
    signature = Signature(public_key=keys.public_key, value=keys.sign(certificate.signed_bytes()))
    return certificate.model_copy(update={"signature": signature})


def _standing(
    catalog: Catalog, request: ErasureRequest, written: list[Removal], restored: Restoration
) -> tuple[ErasureRequest, tuple[Removal, ...]]:
    """The request and its removals, open again where the confirmation that closed them was taken back since they were
    written: nothing may be signed that no longer stands."""
    said = {each.audience: {one.name for one in confirmations(catalog, each.audience)} for each in written}
    now = tuple(
        each.reopened() if each.confirmation is not None and each.confirmation not in said[each.audience] else each
        for each in written
    )
    if request.state == "closed" and (now != tuple(written) or restored.concerns(request)):
        request = request.model_copy(update={"state": "removing", "closed_at": None})
    return request, now
