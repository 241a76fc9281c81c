"""An address is found in published files by its hash, however those are packed and whatever case they are in."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from catalog.home import Home
from catalog.store import open_catalog
from pipelines.erasure.search import withdraw_holding
from tests.catalog.test_store import LOYAL, LOYAL_FR, manifest
from tests.pipelines.uploads.versions.test_publication import sha256

JANE, BOB, EVE = (sha256(f"{name}@x.fr") for name in ("jane", "bob", "eve"))


def packed(path: Path, *parts: str) -> None:
    match path.suffix:
        case ".gz":
            path.write_bytes(gzip.compress("".join(parts).encode()))
        case ".zip":
            with zipfile.ZipFile(path, "w") as archive:
                for number, part in enumerate(parts):
                    archive.writestr(f"part{number}.csv", part)
        case _:
            path.write_text("".join(parts), encoding="utf-8")


@pytest.mark.parametrize("packing", ["", ".gz", ".zip"])
def test_every_version_of_which_a_file_holds_the_address_is_withdrawn_and_no_other(
    tmp_path: Path, packing: str
) -> None:
    home = Home.at(tmp_path / "home")
    holding = {(LOYAL, "2025-06-30.1"): JANE.upper(), (LOYAL_FR, "2025-06-30.1"): EVE, (LOYAL, "2025-06-30.2"): JANE}
    with open_catalog(home) as catalog:
        for (audience, version), value in holding.items():
            made = manifest(audience, version)
            [full] = made.files
            files = (
                full.model_copy(update={"name": f"club_b.full.csv{packing}"}),
                full.model_copy(update={"name": f"club_b.add.csv{packing}", "kind": "add"}),
                full.model_copy(update={"name": f"club_b.remove.csv{packing}", "kind": "remove"}),
            )
            catalog.add_version(audience, made.model_copy(update={"files": files}), "content")
            folder = home.outbox.joinpath(*audience, version)
            folder.mkdir(parents=True)
            with_it, without = files[:2] if version.endswith(".1") else files[1::-1]
            packed(folder / with_it.name, f"email\n{BOB}\n", f"email\n{BOB}\n{value}\n")
            packed(folder / without.name, f"email\n{BOB}\n")
            packed(folder / files[2].name, f"email\n{JANE}\n")

        withdrawn = withdraw_holding([JANE, sha256("nobody@x.fr")], home, catalog)

        assert withdrawn == [(LOYAL, "2025-06-30.1"), (LOYAL, "2025-06-30.2")]
        assert [row["segment"] for row in catalog.versions()] == [LOYAL_FR.segment]
    assert {path.parent.parent.parent.name for path in home.outbox.rglob("club_b.full.csv*")} == {LOYAL_FR.account}
