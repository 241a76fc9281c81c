"""`relance audit`: who did what, and whether the log still says all of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from catalog.audit import Claim, faults
from catalog.audit_heads import claims
from catalog.database import version_subject
from catalog.home import Home
from catalog.secret_keys import public_keys
from catalog.store import Catalog, open_catalog
from commands.context import OUT, HomeOption, home_at, told
from schemas.counts import count_of
from schemas.errors import ConfigError, RelanceError
from schemas.segment import Audience

if TYPE_CHECKING:
    import sqlalchemy as sa

app = typer.Typer(help="Show or verify the audit log: who did what.", no_args_is_help=True)


@app.command()
def show(
    last: Annotated[int, typer.Option("--last", min=1, help="How many lines.")] = 50,
    home: HomeOption = None,
) -> None:
    """List the newest lines: when, who, what, to what."""
    with told(), _log_at(home_at(home)) as catalog:
        lines = catalog.audit_lines()
    table = Table("line", "time (UTC)", "actor", "action", "object", "details")
    for row in lines[-last:]:
        time = row["at"][:19].replace("T", " ")
        table.add_row(
            str(row["line"]), time, row["actor"], row["action"].replace("_", " "), row["subject"], row["details"]
        )
    OUT.print(table)
    OUT.print(f"{min(last, len(lines))} of {count_of(len(lines), 'line')}.")


@app.command()
def verify(home: HomeOption = None) -> None:
    """Find changed, missing or cut-off lines; only the public signing keys are needed."""
    with told():
        place = home_at(home)
        with _log_at(place) as catalog:
            # A night beside this command adds lines before it signs or keeps what they are about: read in the opposite
            # order, whatever is signed or kept has its line.
            versions = catalog.versions(state=None)
            found = list(claims(place, versions))
            lines = catalog.audit_lines()
        if not public_keys(place):
            msg = f"There is no public key in {place.keys}. Restore signing.pub, or set RELANCE_KEYS to its folder."
            raise ConfigError(msg)
        heads = [claim for claim in found if isinstance(claim, Claim)]
        broken = [sentence for sentence in found if isinstance(sentence, str)]
        problems = [*faults(lines, heads), *_unpublished(lines, versions), *broken]
        if problems:
            msg = f"The audit log of {place.root} does not hold: {'; '.join(problems)}."
            raise RelanceError(msg)
    covered = max((claim.head.line for claim in heads), default=0)
    newer = len(lines) - covered
    hold = "holds" if len(lines) == 1 else "hold"
    said = f"{count_of(len(lines), 'line')} {hold}, compared with {count_of(len(heads), 'signed head')}."
    OUT.print(said, soft_wrap=True)
    if newer:
        OUT.print(
            f"Lines newer than any signed head: {newer}. If some had been cut off after them, nothing would show it "
            "yet. The next run signs them.",
            soft_wrap=True,
        )


def _unpublished(lines: list[sa.RowMapping], versions: list[sa.RowMapping]) -> list[str]:
    """Versions that the catalog has although no line says that they were published."""
    published = {row["subject"] for row in lines if row["action"] == "published"}
    names = [version_subject(Audience.of(row), row["version"]) for row in versions]
    return [f"no line says that {name} was published" for name in names if name not in published]


@contextmanager
def _log_at(home: Home) -> Iterator[Catalog]:
    """The catalog of a home that has one; none is made.

    Raises:
        RelanceError: there is none.
    """
    if not home.has_catalog:
        what = "the audit log is gone with it" if home.audit_head.exists() else "nothing ran there yet"
        msg = f"{home.root} has no catalog: {what}."
        raise RelanceError(msg)
    with open_catalog(home) as catalog:
        yield catalog
