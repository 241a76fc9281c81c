"""`relance verify`: does a version still hold what was signed?"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from catalog.home import Home
from catalog.secret_keys import is_signed, public_keys
from commands.context import OUT, HomeOption, home_at, told
from pipelines.uploads.versions.digests import file_digest
from schemas.counts import count_of
from schemas.erasure import Certificate
from schemas.errors import ConfigError, RelanceError
from schemas.uploads import Manifest


def verify(
    path: Annotated[Path, typer.Argument(help="A version's folder, its manifest.json, or a certificate.")],
    public_key: Annotated[Path | None, typer.Option("--public-key", help="The signer's public key file.")] = None,
    home: HomeOption = None,
) -> None:
    """Check a manifest's signature and its files' checksums, or a certificate's signature."""
    with told():
        manifest_path = path / "manifest.json" if path.is_dir() else path
        manifest = _read(manifest_path)
        if isinstance(manifest, Certificate):
            if not is_signed(manifest.signed_bytes(), manifest.signature, _public_keys(home_at(home), public_key)):
                raise RelanceError(f"{path}: {_UNSIGNED}.")
            OUT.print(f"{path}: the signature holds; request {manifest.request.request_id}.", soft_wrap=True)
            return
        problems = _problems(manifest, manifest_path.parent, _public_keys(home_at(home), public_key))
        if problems:
            raise RelanceError(f"{manifest_path}: " + "; ".join(problems) + ".")
    files = ", ".join(f"{entry.name} ({count_of(entry.rows, 'row')})" for entry in manifest.files)
    OUT.print(f"{manifest_path}: signature and checksums hold: {files}.", soft_wrap=True)


def _read(path: Path) -> Manifest | Certificate:
    if not path.is_file():
        msg = f"There is no manifest {path}. Name a version's folder, its manifest.json, or a certificate."
        raise ConfigError(msg)
    for kind in (Manifest, Certificate):
        with suppress(ValidationError, UnicodeDecodeError):
            return kind.model_validate_json(path.read_text(encoding="utf-8"))
    msg = f"{path} is no manifest or certificate of relance, or it was changed."
    raise RelanceError(msg)


def _public_keys(home: Home, named: Path | None) -> list[str]:
    """The key of the named file; without one, those that the home accepts: its own and the kept older ones."""
    if named is None:
        named = home.public_key
        accepted = list(public_keys(home).values())
    else:
        accepted = [named.read_text(encoding="ascii", errors="replace").strip()] if named.exists() else []
    if not accepted:
        msg = f"There is no public key {named}. Name the signer's with --public-key."
        raise ConfigError(msg)
    return accepted


def _problems(manifest: Manifest, folder: Path, accepted: list[str]) -> list[str]:
    problems = [] if is_signed(manifest.signed_bytes(), manifest.signature, accepted) else [_UNSIGNED]
    for entry in manifest.files:
        file = folder / entry.name
        if not file.is_file():
            problems.append(f"{entry.name} is missing")
        elif file_digest(file) != entry.sha256:
            problems.append(f"{entry.name} is not the file that was published")
    return problems


_UNSIGNED = "the signature does not hold for this public key"
