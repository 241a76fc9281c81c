"""One small CRM with all that goes wrong, by way of all stages into the files of every network.

`python -m tests.pipelines.uploads.golden` writes tests/golden anew; look at the difference before you keep it.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zipfile
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.customers.customers import customers
from pipelines.customers.people import people
from pipelines.customers.records import canonical_records
from pipelines.customers.subdivisions import subdivisions
from pipelines.identifiers.canonical import with_canonical
from pipelines.identifiers.identifiers import identifiers
from pipelines.uploads.files.writer import write_list
from pipelines.uploads.rows.audience_rows import AudienceRows, audience_rows
from schemas.crm import CrmCustomers
from schemas.network import Network, UploadList, match_columns, networks
from schemas.settings import Settings
from tests.pipelines.uploads.helpers import of_any_size, people_of

FOLDER = Path(__file__).parents[2] / "golden"
SETTINGS = Settings(currency="EUR", default_country="FR")
#: Every column, also those that a company must allow; and no minimum, since eight people are few.
NETWORKS = {name: of_any_size(network) for name, network in networks().items()}

CRM: list[dict[str, object]] = [
    {"customer_id": "elodie", "email": " Élodie@Example.fr", "phone": "06 12 34 56 78", "first_name": "Élodie",
     "last_name": "d’Orsay-Ménard", "city": "Saint-Étienne", "region": "Loire", "postal_code": "75 001",
     "country": "France", "birth_date": date(1980, 2, 1), "gender": "f",
     "mobile_ad_id": "AEBE52E7-03EE-455A-B3C4-E57283966239"},
    {"customer_id": "elodie again", "email": "e.lodie+shop@gmail.com", "phone": "+33 6 12 34 56 78",
     "first_name": "E\u0301LODIE", "last_name": "D’ORSAY-ME\u0301NARD"},
    {"customer_id": "jose", "email": "jose@example.es", "first_name": "José", "country": "Spain"},
    {"customer_id": "gross", "phone": "+49 30 12345678", "last_name": "Groß", "city": "München", "country": "DE"},
    {"customer_id": "mary", "email": "Mary.O'Brien@gmail.com", "phone": "(650) 253-0000",
     "first_name": "Mrs. Mary  Ann", "last_name": "O'Brien, Jr.", "city": "Menlo Park", "region": "California",
     "postal_code": "94025-3215", "country": "USA"},
    {"customer_id": "quoted", "email": "j_\"@example.com", "phone": "+44 (0)7700 900123"},
    {"customer_id": "bob", "email": "bob_smith@example.co.uk", "phone": "+44 7400 123456", "first_name": 'Bob "Bo"',
     "last_name": "Smith\nJones", "city": "London", "postal_code": "SW1A 1AA", "country": "UK",
     "mobile_ad_id": "5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25"},
    {"customer_id": "li", "email": "li@example.cn", "phone": "13500000000", "first_name": "李明", "last_name": "王",
     "city": "北京", "country": "China"},
    {"customer_id": "joao", "email": "joao@example.com.br", "first_name": "João", "last_name": "Sá, Neto",
     "city": "São Paulo", "region": "SP", "postal_code": "01310-100", "country": "BR"},
    {"customer_id": "jose again", "email": "JOSE@example.es ", "first_name": "jose"},
    {"customer_id": "unreachable", "email": "none@none.com", "phone": "0000000000", "first_name": "Nemo"},
]  # fmt: skip
REVENUES = {"elodie": "1234.5", "jose": "-20", "mary": "0.1", "bob": "99.999"}


def rows_of(network: Network, crm: list[dict[str, object]] = CRM) -> AudienceRows:
    """The rows of everybody."""
    frame = pl.DataFrame(crm, schema=dict(CrmCustomers.create_empty().schema))
    records = people(
        canonical_records(with_canonical(frame, default_country=SETTINGS.default_country), SETTINGS.joining),
        SETTINGS.joining,
        identity_key="a1" * 32,
    )
    persons = customers(records)
    members = persons.select("person_id")
    permitted = members.with_columns(network=pl.lit("any"), assumed=pl.lit(False))
    held = identifiers(records, match_columns([network]))
    owner = dict(records.select("customer_id", "person_id").iter_rows())
    everybody = people_of(
        permitted,
        held,
        network,
        countries=dict(persons.select("person_id", "country").iter_rows()),
        revenues={owner[name]: revenue for name, revenue in REVENUES.items() if name in owner},
        states=dict(subdivisions(records.select("person_id", "country", "region")).iter_rows()),
    )
    return audience_rows(members, everybody, network)


def write_files(network: Network, folder: Path, crm: list[dict[str, object]] = CRM) -> dict[str, UploadList]:
    """Write the network's files of everybody into `folder`; the names of the files and whose list each is."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        entry.name: upload_list
        for upload_list, rows, _ in rows_of(network, crm).lists
        for entry in write_list([rows], upload_list, network, folder, stem="club", kind="full")
    }


def content_of(path: Path) -> bytes:
    """A file's bytes, unpacked: packed ones may differ between versions of zlib."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            (name,) = archive.namelist()
            return archive.read(name)
    return path.read_bytes()


def main() -> None:
    """Write every network's files anew, unpacked."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, network in NETWORKS.items():
        (FOLDER / name).mkdir(parents=True)
        with tempfile.TemporaryDirectory() as folder:
            for file in write_files(network, Path(folder)):
                (FOLDER / name / file.removesuffix(".gz").removesuffix(".zip")).write_bytes(
                    content_of(Path(folder) / file)
                )


if __name__ == "__main__":
    main()
