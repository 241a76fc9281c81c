"""The manifest and the README of a version."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

from catalog.secret_keys import SecretKeys
from pipelines.uploads.rows import AudienceRows
from schemas.network import Network
from schemas.segment import Audience, Segment
from schemas.settings import Settings
from schemas.uploads import FileEntry, Manifest, Signature


def rules_version(network: Network) -> str:
    """Changes when the network's columns, keys or normal forms change, so that old and new keys are never mixed."""
    rules = network.model_dump(mode="json", include={"file", "columns", "keys", "all_or_none"})
    forms = sorted({(column.match.name, column.match.form_version) for column in network.columns})
    canonical = json.dumps([forms, rules], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def file_entry(path: Path, kind: str, rows: int) -> FileEntry:
    """A file's name, size and SHA-256."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileEntry(name=path.name, kind=kind, rows=rows, bytes=path.stat().st_size, sha256=digest)


def content_digest(manifest: Manifest) -> str:
    """Equal for versions that hold the same: files, rules, label and base, whatever day they are of."""
    content = manifest.model_dump(mode="json", include={"public_name", "base", "rules_version", "files", "assumptions"})
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
    if audience_rows.assumed_people:
        assumptions += (f"{audience_rows.assumed_people} people are in the file on such an assumption",)
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
        below_minimum=max(0, network.file.minimum_rows - audience_rows.ledger.file_rows),
        ledger=audience_rows.ledger,
        files=files,
    )


def signed(manifest: Manifest, keys: SecretKeys) -> Manifest:
    """The manifest with its signature."""
    signature = Signature(public_key=keys.public_key, value=keys.sign(manifest.signed_bytes()))
    return manifest.model_copy(update={"signature": signature})


def readme(manifest: Manifest, segment: Segment, network: Network) -> str:
    """Five lines: what this is, where to click, what not to do, and what is not certain."""
    full = manifest.files[0].name
    shortage = (
        f"It is {manifest.below_minimum} rows below {network.title}'s minimum of {network.file.minimum_rows}: "
        "it will be refused."
        if manifest.below_minimum
        else f"{network.title} needs at least {network.file.minimum_rows} rows."
    )
    doubts = "; ".join(fact.says.rstrip(".") for fact in network.unconfirmed)
    lines = [
        f"{full}: {manifest.ledger.file_rows} rows for {network.title}, as of {manifest.as_of}. {shortage}",
        "Where to click: " + " ".join(network.upload_steps),
        "Never open the file in a spreadsheet, and do not mail it: hashed keys are personal data.",
        f"Delete the file when it is uploaded; a newer version replaces it. Purpose: {segment.purpose}.",
        f"Unconfirmed, try ten rows first: {doubts}." if doubts else "All facts used here are documented.",
    ]
    return "\n".join(lines) + "\n"
