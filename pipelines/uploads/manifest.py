"""The manifest and the README of a version."""

from __future__ import annotations

import hashlib
import json
from datetime import date

from catalog.secret_keys import SecretKeys
from pipelines.uploads.rows import AudienceRows
from schemas.audit import AuditHead
from schemas.network import Network
from schemas.segment import Audience, Segment
from schemas.settings import Settings
from schemas.uploads import FileEntry, Manifest, Signature

#: What of a network decides which keys a file carries.
_RULES = {"file", "columns", "keys", "all_or_none", "required_any", "regions"}


def rules_version(network: Network) -> str:
    """Changes when the network's columns, keys or normal forms change, so that old and new keys are never mixed."""
    rules = network.model_dump(mode="json", include=_RULES)
    forms = sorted({(match.name, match.form_version) for column in network.columns for match in column.matches})
    canonical = json.dumps([forms, rules], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def content_digest(manifest: Manifest) -> str:
    """Equal for versions that hold the same: files, rules, label and base, whatever day they are of."""
    content = manifest.model_dump(
        mode="json", include={"public_name", "base", "rules_version", "files", "withheld", "assumptions"}
    )
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def new_manifest(  # noqa: PLR0913 - the manifest's parts
    audience: Audience,
    segment: Segment,
    network: Network,
    audience_rows: AudienceRows,
    *,
    settings: Settings,
    files: tuple[FileEntry, ...],
    version: str,
    as_of: date,
) -> Manifest:
    """The unsigned manifest of a version."""
    assumptions = tuple(
        f"{region}: {purpose} assumed granted where nothing is on record"
        for region, assumption in sorted(settings.assume.items())
        for purpose in network.consent
        if getattr(assumption, purpose)
    )
    ledger = audience_rows.ledger
    if ledger.on_assumption:
        assumptions += (f"{ledger.on_assumption} people are in the file on such an assumption",)
    assumptions += tuple(
        f"{other} counts as {purpose} where nothing is on record for {purpose}"
        for purpose in network.consent
        for other in settings.consent.get(purpose, ())
    )
    if ledger.by_other_purpose:
        assumptions += (f"{ledger.by_other_purpose} people are in the file on a word for another purpose",)
    return Manifest(
        network=audience.network,
        account=audience.account,
        segment=audience.segment,
        public_name=segment.public_name,
        version=version,
        as_of=as_of.isoformat(),
        base=None,
        rules_version=rules_version(network),
        assumptions=assumptions,
        withheld=audience_rows.withheld,
        ledger=audience_rows.ledger,
        files=files,
    )


def signed(manifest: Manifest, audit_head: AuditHead, keys: SecretKeys) -> Manifest:
    """The manifest with the audit log's head, so that the log's end cannot be cut off behind it, and its signature."""
    manifest = manifest.model_copy(update={"audit_head": audit_head})
    signature = Signature(public_key=keys.public_key, value=keys.sign(manifest.signed_bytes()))
    return manifest.model_copy(update={"signature": signature})


def readme(manifest: Manifest, segment: Segment, network: Network) -> str:
    """Five lines: what this is, where to click, what not to do, what to do afterwards, and what is not certain."""
    minimum = network.file.minimum_rows.full
    files = ", ".join(f"{entry.name} ({entry.rows:,} rows)" for entry in manifest.files)
    short = "; ".join(f"{label} has only {rows:,}" for label, rows in manifest.withheld.items())
    missing = f" Not here, below the minimum of {minimum:,} rows: {short}." if short else ""
    parts = len(manifest.files) > len({entry.list for entry in manifest.files})
    how = {
        "one list": " The parts of a list are uploaded one after the other into the same list.",
        "a list each": " Each part becomes a list of its own: a later part would replace the one before.",
    }[network.file.parts]
    described = f" Description: {segment.public_description}" if segment.public_description else ""
    doubts = "; ".join(fact.says.rstrip(".") for fact in network.unconfirmed)
    lines = [
        f"{files}: {manifest.ledger.file_people:,} people for {network.title}, as of {manifest.as_of}.{missing}",
        "Where to click: " + " ".join(network.upload_steps) + (how if parts else "") + described,
        "Never open a file in a spreadsheet, and do not mail it: hashed keys are personal data.",
        f"Delete the files when they are uploaded; a newer version replaces them. Purpose: {segment.purpose}.",
        f"Unconfirmed, try ten rows first: {doubts}." if doubts else "All facts used here are documented.",
    ]
    return "\n".join(lines) + "\n"
