"""docs/networks.md, from the networks' TOML files: a network's file is its own manual."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import schemas.network
from schemas.counts import count_of
from schemas.declared import Declared, Text, read_declared
from schemas.network import Network
from schemas.network_file import Column, Confidence

_HEAD = """# Networks

What relance knows of each ad network, and how well. This page is written by `relance networks --markdown` from
`schemas/networks/*.toml`; change those, not this.

Every file is UTF-8 without byte-order mark. E-mails and phones are always hashed. A column in plain is off unless
`allow_plain` in `relance.toml` names network and column; country, postal code and value are plain where the network's
rule demands it. How sure a fact is: **documented** by the network itself, **seen in code** of official or widely used
tools, **secondary** (vendors, agencies), or **unconfirmed**: then relance writes the most probable form, and you try
ten rows first. Menu paths are where the upload was last seen; networks move them.
"""


class WithoutList(Declared):
    """A network that relance writes no file for."""

    title: Text
    why: Text
    instead: Text
    confidence: Confidence


class _WithoutLists(Declared):
    networks: tuple[WithoutList, ...]


def networks_page(networks: dict[str, Network]) -> str:
    """The page, whole."""
    lines = [_HEAD, "| network | name | minimum | updates | unconfirmed facts |", "|---|---|---|---|---|"]
    for network in networks.values():
        lines.append(
            f"| [{network.title}](#{network.name}) | `{network.name}` | {network.file.minimum_rows.full:,} | "
            f"{', '.join(network.update_modes)} | {len(network.unconfirmed)} of {len(network.facts)} |"
        )
    for network in networks.values():
        lines += ["", *_section(network)]
    path = Path(schemas.network.__file__).parent / "networks_without_lists.toml"
    lines += ["", "## Without a file", "", "| network | why | instead | how sure |", "|---|---|---|---|"]
    lines += [
        f"| {other.title} | {other.why} | {other.instead} | {other.confidence} |"
        for other in read_declared(_WithoutLists, path).networks
    ]
    return "\n".join(lines) + "\n"


def _section(network: Network) -> Iterator[str]:
    file = network.file
    yield f"## {network.name}"
    yield ""
    yield f"{network.title}: {', '.join(network.covers)}. Pages read on {network.read}: {', '.join(network.links)}"
    yield ""
    yield f"- **File**: {_format(network)}"
    rows = file.minimum_rows
    left = f"; a removal must leave {rows.left:,}" if rows.left else ""
    full = count_of(rows.full, "row")
    least = f"{full} in a full file, {rows.add:,} in one that adds, {rows.remove:,} in one that removes"
    yield f"- **At least** {least}{left}."
    most = [f"{file.maximum_rows:,} rows"] if file.maximum_rows else []
    most += [f"{file.maximum_bytes:,} bytes"] if file.maximum_bytes else []
    if most:
        parts = {"one list": "fill one list together", "a list each": "are a list each"}[file.parts]
        yield f"- **At most** {' and '.join(most)} a file; more becomes parts, which {parts}."
    yield f"- **Updates**: {', '.join(network.update_modes)}. Removing in the dialog: {network.ui_removal}."
    if {"add", "remove"} <= set(network.update_modes):
        yield f"- **Order**: {' before '.join(network.upload_order)}."
    since = {"member": "a member was sent last", "list": "the list was changed last"}[network.expires]
    days = f"{network.membership_days} days after {since}" if network.membership_days else "no end is known"
    yield f"- **Membership**: {days}."
    yield f"- **Consent**: needs {_consent(network)}. {network.consent_told}"
    yield f"- **Identified by**: {'; '.join(' + '.join(key.headers) for key in network.keys)}."
    if file.rows == "people":
        yield f"- **Of a person with several**: at most {_room(network)}: those of the records made first."
    for group in network.all_or_none:
        yield f"- **Together or not at all**: {', '.join(group)}."
    for group in network.required_any:
        yield f"- **Needed in every row**: {' or '.join(group)}."
    for region in network.regions:
        yield f"- **Region `{region.name}`**: {region.title}: {', '.join(region.countries)}."
    yield ""
    yield from _columns(network)
    yield ""
    yield "Upload:"
    yield ""
    yield from (f"{number}. {step}" for number, step in enumerate(network.upload_steps, 1))
    if network.change_steps:
        yield ""
        yield "Changing a list that is there, as others describe it:"
        yield ""
        yield from (f"{number}. {step}" for number, step in enumerate(network.change_steps, 1))
    yield ""
    yield "| what we know | how sure | source |"
    yield "|---|---|---|"
    yield from (f"| {fact.says} | {_sure(fact.confidence)} | {fact.source} |" for fact in network.facts)
    if network.left_out:
        yield ""
        yield "Left out:"
        yield ""
        yield from (f"- {left.what}: {left.why}." for left in network.left_out)


def _consent(network: Network) -> str:
    asked = (
        purpose if "everywhere" in regions else f"{purpose} of people in {', '.join(regions)}"
        for purpose, regions in network.consent.items()
    )
    return " and ".join(asked)


def _room(network: Network) -> str:
    """How many of a person's addresses and ids a row holds."""
    every = ((match, column.repeat) for column in network.columns for match in column.matches)
    own = {match.identifier: room for match, room in every if match.kind != "mailing_address"}
    return ", ".join(count_of(room, name.replace("_", " ")) for name, room in own.items())


def _format(network: Network) -> str:
    file = network.file
    said = [f"`{file.suffix}`", {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe"}[file.delimiter]]
    said.append({"\n": "line feeds", "\r\n": "carriage return and line feed"}[file.newline])
    said.append({"necessary": "quotes only where needed", "always": "every value in quotes"}[file.quoting])
    said.append("with header" if file.header else "without header")
    said.append({"people": "a row is a person", "identifiers": "a row is an identifier, one column a file"}[file.rows])
    if file.fixed_header:
        said.append("the template's columns all stand there, empty where switched off")
    return ", ".join(said) + "."


def _columns(network: Network) -> Iterator[str]:
    several = len({column.list for column in network.columns}) > 1 or network.columns[0].list
    yield "| " + ("list | " if several else "") + "column | holds | form | hash |"
    yield "|---|---|---|---|" + ("---|" if several else "")
    for column in network.columns:
        yield "| " + (f"{column.list or ''} | " if several else "") + _column(column)


def _column(column: Column) -> str:
    times = f" × {len(column.slots)}" if len(column.slots) > 1 else ""
    away = f", not of people in {', '.join(column.not_in)}" if column.not_in else ""
    if column.identifier is not None:
        holds, form, how = column.identifier.replace("_", " "), " and ".join(column.forms), column.hash or ""
        how = how if how != "none" else "plain, off unless allowed" if column.needs_permission else "plain"
    elif column.value is not None:
        holds, form, how = f"value ({column.value}, floored at 0)", "decimal", "plain"
    else:
        where = f"only of people in {', '.join(column.only_in)}, off unless wanted" if column.only_in else "always"
        holds, form, how = f"{column.constant!r} {where}" if column.constant else "always empty", "", "plain"
    return f"`{column.header}`{times} | {holds}{away} | {form} | {how} |"


def _sure(confidence: Confidence) -> str:
    return "**unconfirmed: try ten rows first**" if confidence == "unconfirmed" else confidence
