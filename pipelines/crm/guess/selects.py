"""The selects that take a guessed table mostly as it is: customers, consents, visits and erasures."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.crm.guess.columns import Match
from pipelines.crm.guess.files import FoundTable, quoted
from pipelines.crm.guess.names import rank
from pipelines.crm.guess.shapes import filled, is_key, is_time, share, sign_between_ids
from pipelines.crm.guess.writer import Select, Writer
from pipelines.crm.sources.values import is_hash
from schemas.crm import CONTRACTS
from schemas.source import TableName

#: So many rows that all differ in a column speak for an id.
_MANY = 20
#: Signs of e-mails, texts and times, which ids have not.
_NO_ID = frozenset("@ :,")

#: Beside an id that relance makes up.
EQUAL_ROWS = "no column is an id: equal rows count once"


def plain_select(table: TableName, found: FoundTable, matched: Mapping[str, Match]) -> Select:
    """Every matched column as it is, times where they can be read: for customers, consents, visits and erasures."""
    writer = Writer(table, found, matched)
    for column in CONTRACTS[table].columns():
        if column == "phone" and "landline" in matched:
            _write_mobile_or_landline(writer)
        elif column in matched:
            is_time = column.endswith("_at") or column in {"birth_date", "valid_from", "valid_to"}
            translates = table == "visits" and column == "event"
            links = table == "visits" and column == "customer_id"
            write = writer.time if is_time else writer.translate if translates else writer.copy
            (writer.copy_one_id if links else write)(column)
    if table == "customers":
        _finish_customers(writer)
    if table in {"consents", "erasures"} and "customer_id" in matched:
        _ask_about_several_ids(writer)
    if table == "consents":
        _finish_consents(writer)
    if table == "visits":
        _finish_visits(writer)
    if table == "erasures":
        _finish_erasures(writer)
    return writer.done()


def _write_mobile_or_landline(writer: Writer) -> None:
    """Networks know people by their mobiles; a blank cell must not hide the landline."""
    mobile, landline = writer.matched["phone"].name, writer.matched["landline"].name
    sql = f"coalesce(nullif(trim({writer.sql('phone')}), ''), {writer.sql('landline')})"
    writer.add("phone", sql, "the mobile; where there is none, the landline", source=mobile, others=(landline,))


def _finish_customers(writer: Writer) -> None:
    writer.ask_which_files("customer_id" if "customer_id" in writer.matched else "email")
    if "customer_id" not in writer.matched:
        name = writer.matched["email"].name
        note = "no column is called an id: the e-mail is it"
        writer.add("customer_id", f"lower(trim({writer.sql('email')}))", note, source=name)
        if ids := like_ids(writer):
            writer.decide.append(
                f"customers.customer_id: no column is called an id, so that {name} is taken for it, and rows without "
                f"one are set aside. Every row has another {' and '.join(ids)}: if it is the id, take it, here "
                "and in the other tables"
            )
        elif not is_key([value.lower() for value in filled(writer.values("email"))]):
            writer.decide.append(
                f"customers.customer_id: no column is called an id, and {name} repeats; rows "
                "that share it are set aside until the select makes one row per person"
            )
    if "email" in writer.matched and (share(writer.values("email"), is_hash) or 0.0) >= 0.5:
        name = writer.matched["email"].name
        writer.decide.append(
            f"customers.email: {name} looks already hashed; relance needs the addresses themselves and refuses hashes"
        )


def like_ids(writer: Writer) -> list[str]:
    """Columns of a name that says nothing whose sample has another number or code in each of many rows."""
    used = {match.name for match in writer.matched.values()}
    return [
        name
        for name, values in writer.found.columns.items()
        if name not in used
        and len(filled(values)) == len(values) >= _MANY
        and len(set(values)) == len(values)
        and all(any(sign.isdigit() for sign in value) and not set(value) & _NO_ID for value in filled(values))
    ]


def _ask_about_several_ids(writer: Writer) -> None:
    """What a row says is said of each of its ids; taking one would leave the others out."""
    sign = sign_between_ids(writer.values("customer_id"))
    if sign is not None:
        name = writer.matched["customer_id"].name
        each = f"unnest(string_split({quoted(name)}, '{sign}'))"
        numbered = f"{writer.sql('request_id')} || '/' || {each}" if "request_id" in writer.matched else None
        writer.decide.append(
            f"{writer.table}.customer_id: some cells of {name} hold several ids, and name nobody so; make a row of "
            f"each by {each}" + (f", with a request_id of its own: {numbered}" if numbered is not None else "")
        )


def _finish_consents(writer: Writer) -> None:
    used = {match.name for match in writer.matched.values()}
    times = [name for name in writer.found.columns if rank("consents", "captured_at", name) is not None]
    others = [name for name in times if name not in used]
    if "captured_at" in writer.matched and others:
        read = writer.matched["captured_at"].name
        writer.decide.append(
            f"consents.captured_at: {read} is read and {' and '.join(others)} is not; if a statement is changed in its "
            "row, it must be the time of the change, or a withdrawal gives way to an older yes"
        )


def _finish_visits(writer: Writer) -> None:
    if "event_id" not in writer.matched:
        writer.add("event_id", writer.key_of("customer_id", "occurred_at", "event"), EQUAL_ROWS)
    if "event" not in writer.matched:
        writer.add("event", "'visit'", "no column says what happened")
        writer.decide.append(
            "visits.event: no column says what happened, so that every row counts as a visit; if some are none, "
            "as e-mails received, name the column that says so, or leave them out with WHERE"
        )


def _finish_erasures(writer: Writer) -> None:
    if "requested_at" not in writer.matched:
        _write_no_time(writer)
    if "request_id" not in writer.matched:
        # An address must not be the id: ids are kept.
        when = writer.sql("requested_at") if "requested_at" in writer.matched else "'unnumbered'"
        writer.add("request_id", when, "no column is an id; requests of one instant share it, and all are carried out")


def _write_no_time(writer: Writer) -> None:
    """No time of a request, with what may be it: one of another day would let a consent lift it, or none."""
    used = {match.name for match in writer.matched.values()}
    times = [name for name, values in writer.found.columns.items() if name not in used and is_time(values)]
    first = "each request counts from the day it is first read"
    instead = f"{first}; if {' or '.join(times)} says when it was made, take that"
    writer.add("requested_at", "NULL", instead if times else f"no column says when: {first}")
