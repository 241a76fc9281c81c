"""`relance check-upload`: would the network take this file?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.context import OUT, ConfigOption, config_folder, told
from schemas.errors import ConfigError, RelanceError

if TYPE_CHECKING:
    from schemas.network import Network, UploadList
    from schemas.network_file import FileKind


def check_upload(
    network: Annotated[str, typer.Argument(help="The network's name; `relance networks` lists them.")],
    file: Annotated[Path, typer.Argument(help="The file, as it would be uploaded.")],
    of_list: Annotated[
        str | None, typer.Option("--list", help="Which of the network's lists; taken from the file's name without it.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Read a file by the network's documented rules and name each line and rule that it breaks; never a value."""
    from pipelines.uploads.checker.second_reading import complaints

    with told():
        known = _network(network, config)
        upload_list = _list(known, network, file, of_list)
        if not file.is_file():
            msg = f"There is no file {file}."
            raise ConfigError(msg)
        found = [*_outside(file, upload_list, known), *complaints(file, upload_list, known, _kind(file))]
        for complaint in found:
            OUT.print(f"{file.name}: {complaint}", soft_wrap=True)
        if found:
            msg = (
                f"{known.title} would refuse {file.name}, or match less with it. Other columns, plain addresses and "
                "other hashes, which some networks take too, count as mistakes: relance knows the form that it writes."
            )
            raise RelanceError(msg)
    OUT.print(f"{file.name}: nothing that {known.title} would refuse.", soft_wrap=True)


def _network(name: str, config: Path | None) -> Network:
    """The network, with the columns that the company's config allows; without a config, none of those in plain."""
    from schemas.config import read_config
    from schemas.network import networks

    if name not in networks():
        msg = f"{name!r} is no network; relance knows {', '.join(networks())}."
        raise ConfigError(msg)
    folder = config_folder(config)
    if config is None and not (folder / "relance.toml").exists():
        return networks()[name].allowing(())
    return read_config(folder).networks[name]


def _list(network: Network, name: str, file: Path, label: str | None) -> UploadList:
    """The list that `label` or else the file's name means; a network's only list needs no name."""
    labels = {upload_list.label: upload_list for upload_list in network.lists}
    if label is not None and label in labels:
        return labels[label]
    pieces = f".{'.'.join(_pieces(file))}."
    named = [upload_list for upload_list in network.lists if upload_list.label and f".{upload_list.label}." in pieces]
    if label is None and named:
        return named[0]
    if label is None and "" in labels:
        return labels[""]
    if label is None and len(labels) == 1:
        return network.lists[0]
    msg = f"{name} keeps several lists. Say which with --list: {', '.join(filter(None, labels)) or 'it has only one'}."
    raise ConfigError(msg)


def _outside(file: Path, upload_list: UploadList, network: Network) -> Iterator[str]:
    """What is wrong before the file is opened."""
    from schemas.network_file import country_codes_of

    if not file.name.lower().endswith(network.file.suffix):
        yield f"its name does not end in {network.file.suffix}"
    if upload_list.region is None:
        return
    inside, _ = country_codes_of(upload_list.region.countries)
    if all(column.not_in and inside <= country_codes_of(column.not_in)[0] for column in upload_list.columns):
        yield f"{network.title} takes no such list from {upload_list.region.title}"


def _pieces(file: Path) -> list[str]:
    """What a file's name says; one of relance's own says it after the public name, which may be any word."""
    _, *after = pieces = file.name.split(".")
    return after if {"full", "add", "remove"}.intersection(after) else pieces


def _kind(file: Path) -> FileKind:
    pieces = _pieces(file)
    if "add" in pieces:
        return "add"
    return "remove" if "remove" in pieces else "full"
