"""`relance forget`: take a person out of every list, table and file, and see that the networks do."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from catalog.erasures import add_request, erasure_requests, removals, sealed_records
from catalog.home import Home
from catalog.secret_keys import SecretKeys, open_keys
from catalog.store import Catalog
from catalog.warehouse import open_warehouse
from commands.context import OUT, ConfigOption, HomeOption, catalog_at, config_folder, home_at, told
from pipelines.holdings.restored import restoration
from schemas.config import Config, read_config
from schemas.counts import count_of
from schemas.erasure import RequestKind
from schemas.errors import ConfigError, HomeLockedError
from schemas.segment import Audience

if TYPE_CHECKING:
    import polars as pl


#: An address is all that a request by it asks for; who types it may mean the person.
_BY_ADDRESS = (
    "By e-mail or phone only that address is forgotten, and the records that have no other or whose id it is. A record "
    "that has another stays in lists by it: to forget the person, name the customer id, with --as customer_id if that "
    "looks like an address."
)

#: A phone of another country, typed as at home, is another number here.
_NATIONAL = (
    "A phone without its country code was read as one of {country}, the default country. If it is another country's, "
    "ask again with its code, as +33…"
)

#: What is neither an e-mail nor plainly a phone is an id, and then nothing else of it is forgotten.
_ID_OF_NOBODY = (
    "No record of the last run has that customer id. If it is a phone or an e-mail, ask again with --as phone or "
    "--as email: as an id it takes no address out."
)

#: What becomes of the person's keys at the networks.
_REMOVED = "The next run publishes removals for every network that may hold a key of theirs"
_NOT_HELD = "By all that was published and confirmed, nothing is to be removed at a network"


def forget(  # noqa: PLR0913, PLR0917 - a command's options
    who: Annotated[
        list[str] | None, typer.Argument(help="An e-mail, a phone or a customer id.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Many: a value a line; - reads them from standard input.")
    ] = None,
    kind: Annotated[
        RequestKind | None, typer.Option("--as", help="What it is, where that is not plain to see.")
    ] = None,
    requested_at: Annotated[
        datetime | None,
        typer.Option("--requested-at", formats=["%Y-%m-%d"], help="The day the person asked; default now."),
    ] = None,
    config: ConfigOption = None,
    home: HomeOption = None,
) -> None:
    """Forget a person: by customer id with all records of theirs, by address the address wherever it is."""
    from pipelines.erasure.requests import request_tombstones, requests_of
    from pipelines.holdings.lost_networks import check_networks_are_known

    with told(), catalog_at(home) as catalog:
        place, declared = home_at(home), read_config(config_folder(config))
        check_networks_are_known(catalog, declared.networks)
        keys, now = open_keys(place), datetime.now(UTC)
        day = requested_at.replace(tzinfo=declared.settings.zone) if requested_at else None
        if day is not None and day > now:
            msg = "--requested-at is a day to come. Nothing was done."
            raise ConfigError(msg)
        # Nothing that was said on that day comes after it.
        asked_at = min(now, (day + timedelta(days=1, microseconds=-1)).astimezone(UTC)) if day is not None else now
        typed = _typed(who, file)
        requests = requests_of(
            typed,
            _names(len(typed), now),
            kind=kind,
            default_country=declared.settings.default_country,
            requested_at=asked_at,
        )
        stones = request_tombstones(requests, declared.networks, keys.identity)
        of_request = stones.partition_by("request_id", as_dict=True)
        for row in requests.iter_rows(named=True):
            named: RequestKind = next(each for each in get_args(RequestKind) if row[each] is not None)
            add_request(
                catalog, row["request_id"], named, asked_at, of_request.get((row["request_id"],), stones.clear())
            )
            OUT.print(f"Request {row['request_id']}: by {named.replace('_', ' ')}.", soft_wrap=True)
        if requests["customer_id"].null_count():
            OUT.print(_BY_ADDRESS, soft_wrap=True)
        phones = [text for text, phone in zip(typed, requests["phone"], strict=True) if phone is not None]
        if any(map(_is_national, phones)):
            OUT.print(_NATIONAL.format(country=declared.settings.default_country), soft_wrap=True)
        _withdraw(requests, declared, place, catalog)
        _apply(declared, place, keys, catalog, requests["request_id"].to_list())
        catalog.sign_audit_head(place, keys)
        removed = _REMOVED if _may_be_held(catalog, requests["request_id"].to_list()) else _NOT_HELD
        OUT.print(f"{removed}; `relance certificate REQUEST` says how far it is.", soft_wrap=True)


def _is_national(phone: str) -> bool:
    """Whether a phone as typed says no country."""
    return not re.search(r"[+\uff0b]", phone) and not re.sub(r"\D", "", phone).startswith("00")


def _typed(who: list[str] | None, file: Path | None) -> list[str]:
    if (not who) == (file is None):
        msg = "Say whom to forget: an e-mail, a phone or a customer id, or --file with many."
        raise ConfigError(msg)
    if who:
        # A phone may be typed with spaces.
        return [" ".join(who)]
    if file is not None and str(file) != "-" and not file.is_file():
        msg = f"There is no file {file}."
        raise ConfigError(msg)
    text = _read(file)
    typed = [line.strip() for line in text.splitlines() if line.strip()]
    if not typed:
        msg = "The file names nobody. Nothing was done."
        raise ConfigError(msg)
    return typed


def _read(file: Path | None) -> str:
    """The file's text, or what comes by standard input."""
    try:
        return sys.stdin.read() if file is None or str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        msg = f"{file or '-'} is not UTF-8. Save it as UTF-8; nothing was done."
    except OSError as error:
        msg = f"{file} cannot be opened ({error.strerror}). Nothing was done."
    # Outside: the first exception holds the file's bytes.
    raise ConfigError(msg)


def _names(count: int, now: datetime) -> list[str]:
    from pipelines.tombstones.names import new_request_name

    return [new_request_name(now.date()) for _ in range(count)]


def _withdraw(requests: pl.DataFrame, declared: Config, home: Home, catalog: Catalog) -> None:
    """What can be done while a night runs: files that hold an address go."""
    from pipelines.erasure.requests import addresses_of
    from pipelines.erasure.search import shown_values, withdraw_holding

    addresses = addresses_of(requests)
    if addresses.is_empty():
        return
    withdrawn = withdraw_holding(shown_values(addresses, declared.networks), home, catalog)
    for audience, version in withdrawn:
        OUT.print(f"Withdrawn: {audience} {version}: its files held the address.", soft_wrap=True)
    if not withdrawn:
        OUT.print("No published file holds the address.")


def _apply(declared: Config, home: Home, keys: SecretKeys, catalog: Catalog, made: list[str]) -> None:
    """What needs the warehouse: now if nobody holds the home."""
    from pipelines.erasure.erasing import Erasing
    from pipelines.erasure.settle import settle
    from pipelines.holdings.outbox import Outbox
    from pipelines.uploads.versions.reconciliation import reconcile

    try:
        with open_warehouse(home, keys, declared.settings.memory_limit, declared.settings.time_zone) as warehouse:
            # A run that was killed may have left files that the catalog does not name.
            reconcile(Outbox(home, keys, warehouse, catalog, declared.settings, night=0))
            before = _published(catalog)
            settle(Erasing(home, keys, warehouse, catalog, declared, datetime.now(UTC)))
    except HomeLockedError:
        OUT.print(
            "Another process holds the home: the rows in the warehouse, and files that can only be found there, follow "
            "at the end of its run.",
            soft_wrap=True,
        )
        return
    for audience, version in sorted(before - _published(catalog)):
        OUT.print(f"Withdrawn: {audience} {version}: its files held keys of forgotten people.", soft_wrap=True)
    requests = [request for request in erasure_requests(catalog) if request.request_id in made]
    covered = {request.request_id: len(sealed_records(catalog, request.request_id)) for request in requests}
    known = any(covered[request.request_id] or request.kind != "customer_id" for request in requests)
    gone = "; what it had of theirs is gone" if known else ", without what older nights may have left of theirs"
    OUT.print(f"At once: the warehouse was written anew{gone}.", soft_wrap=True)
    for request in requests:
        if records := covered[request.request_id]:
            OUT.print(f"Request {request.request_id} covers {count_of(records, 'record')}.", soft_wrap=True)
        else:
            OUT.print(f"Request {request.request_id} covers no record of the last run.", soft_wrap=True)
            if request.kind == "customer_id":
                OUT.print(_ID_OF_NOBODY, soft_wrap=True)


def _may_be_held(catalog: Catalog, made: list[str]) -> bool:
    """Whether a network may hold a key that the requests name: it is also not known until they were applied."""
    requests, restored = [each for each in erasure_requests(catalog) if each.request_id in made], restoration(catalog)
    if any(request.state == "received" or restored.concerns(request) for request in requests):
        return True
    return any(removal.state in {"due", "published"} for each in made for removal in removals(catalog, each))


def _published(catalog: Catalog) -> set[tuple[Audience, str]]:
    return {(Audience.of(row), row["version"]) for row in catalog.versions()}
