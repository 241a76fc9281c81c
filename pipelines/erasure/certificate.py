"""The certificate of a request: what it covered, which versions carried keys, and who took them out when."""

from __future__ import annotations

from catalog.erasures import erasure_requests, removals, sealed_records
from catalog.sealed import unsealed
from catalog.secret_keys import SecretKeys
from catalog.store import Catalog
from schemas.erasure import Certificate
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
    certificate = Certificate(
        request=found[request_id],
        records=tuple(sorted(unsealed(each, keys.identity) for each in sealed_records(catalog, request_id))),
        removals=tuple(removals(catalog, request_id)),
        audit_head=catalog.audit_head(),
    )
    signature = Signature(public_key=keys.public_key, value=keys.sign(certificate.signed_bytes()))
    return certificate.model_copy(update={"signature": signature})
