"""What one run holds from its begin to its end."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date

from catalog.home import Home
from catalog.secret_keys import SecretKeys
from catalog.store import Catalog
from catalog.warehouse import Warehouse
from pipelines.crm.pull import Reading
from pipelines.crm.read import Crm
from pipelines.uploads.tonight import Tonight
from schemas.config import Config
from schemas.errors import RelanceError


@dataclass
class Opened:
    """The open home and sources, the declared config, and what the run has found out so far."""

    config: Config
    home: Home
    keys: SecretKeys
    warehouse: Warehouse
    catalog: Catalog
    night: int
    #: The day that the run is about.
    as_of: date
    stack: ExitStack
    crm: Crm
    #: The Dagster run, or the one that it takes up in the end.
    root_run: str
    #: The day that the CRM can be read for; asked of the source at most once a run.
    default_day: date | None = None
    tonight: Tonight | None = None
    files_kept: bool = False
    reading: Reading | None = None
    #: By the stage that failed, in their order.
    failures: dict[str, RelanceError] = field(default_factory=dict)
