"""What makes a version another one: the rules that it was made by, and what it holds."""

from __future__ import annotations

import hashlib
from pathlib import Path

from schemas.canonical import canonical_json
from schemas.network import Network
from schemas.uploads import Manifest

#: What of a network decides which keys a file carries.
_RULES = {"file", "columns", "keys", "all_or_none", "required_any", "regions"}


def file_digest(path: Path) -> str:
    """SHA-256 of a file of any size, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rules_version(network: Network) -> str:
    """Changes when the network's columns, keys or normal forms change, so that old and new keys are never mixed."""
    rules = network.model_dump(mode="json", include=_RULES)
    forms = sorted({(match.name, match.form_version) for column in network.columns for match in column.matches})
    return hashlib.sha256(canonical_json([forms, rules]).encode()).hexdigest()[:12]


def content_digest(manifest: Manifest) -> str:
    """Equal for versions that hold the same: files, rules, label and base, whatever day they are of."""
    content = manifest.model_dump(mode="json", include={"public_name", "base", "rules_version", "files", "withheld"})
    content["assumptions"] = [str(each) for each in manifest.assumptions]
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def full_digest(manifest: Manifest) -> str:
    """Equal for versions whose full files hold the same by the same rules under the same label."""
    full = tuple(entry for entry in manifest.files if entry.kind == "full")
    return content_digest(manifest.model_copy(update={"base": None, "files": full}))
