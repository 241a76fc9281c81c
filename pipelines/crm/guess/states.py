"""In which state an order is: as the columns of its state say it, and those that say it was called off or refunded."""

from __future__ import annotations

from typing import NamedTuple

from pipelines.crm.guess.amounts import Refunds, counts_in_full
from pipelines.crm.guess.columns import other_states
from pipelines.crm.guess.files import quoted
from pipelines.crm.guess.names import vocabulary
from pipelines.crm.guess.shapes import MOST_STATES, filled, is_state, says_so
from pipelines.crm.guess.writer import Writer, is_one_of

#: Where a sample has few rows, each may be in another state.
_FEW = 10


def write_status(writer: Writer, refunds: Refunds | None) -> None:
    """The state as its columns say it, unless another says that the order was called off or wholly given back."""
    cases: list[str] = []
    others: list[str] = []
    if "cancelled" in writer.matched:
        others.append(writer.matched["cancelled"].name)
        cases.append(f"WHEN {says_so(writer.sql('cancelled'), writer.values('cancelled'))} THEN 'cancelled'")
    if refunds is not None:
        cases.append(f"WHEN {refunds.any}\n            AND {refunds.all} THEN 'refunded'")
    elif "refunded" in writer.matched:
        name = writer.matched["refunded"].name
        others.append(name)
        cases.append(f"WHEN {says_so(writer.sql('refunded'), writer.values('refunded'))} THEN 'refunded'")
        writer.decide.append(
            f"orders.status: {name} says which orders were refunded, and no column how much, so that they count as "
            "refunded whole; if a part was kept, give the rest as the amount"
        )
    if "status" in writer.matched:
        further = other_states(writer.found.columns, writer.matched)
        others += further
        cases += _translate(writer, further, refunds)
    else:
        writer.add("status", "'completed'", "no column says it: every row counts as a completed order")
        _ask_about_states(writer, refunds)
    if cases:
        writer.unless("status", cases, tuple(others))


def _ask_about_states(writer: Writer, refunds: Refunds | None) -> None:
    """Say that no column is known as the state, and which may be it: what was called off or never paid counts in full,
    unless a column of its own says so.
    """
    ends = ("cancelled", "refunded_amount" if refunds is not None else "refunded")
    read = [writer.matched[column].name for column in ends if column in writer.matched]
    but = f" but what {' and '.join(read)} tells of" if read else ""
    names = " or ".join(_may_be_states(writer))
    told = (
        f"if {names} says which were called off, or never paid, translate it in the select"
        if names
        else "if some were called off, or never paid, leave them out with WHERE, or join what says so"
    )
    writer.decide.append(
        f"orders.status: no column is known as the state, so that every row{but} counts as a completed order; {told}"
    )


def _may_be_states(writer: Writer) -> list[str]:
    """Columns that nothing reads and whose few words return."""
    used = {match.name for match in writer.matched.values()}
    names = []
    for name, values in writer.found.columns.items():
        words = [value.lower() for value in filled(values)]
        if name not in used and 1 < len(set(words)) <= MOST_STATES and all(map(is_state, words)):
            names += [name] if len(set(words)) < len(words) or len(words) < _FEW else []
    return names


class _State(NamedTuple):
    """A column that says an order's state."""

    name: str
    #: Row by row of the sample, whether it says that a part of the order was given back.
    partly: list[bool]
    #: Whether such an order counts as completed: in full where a person is asked, or where the amount is less by it.
    counts_partly: bool

    @property
    def completed(self) -> list[str]:
        """Its words for a completed order."""
        words, partly = vocabulary()["translated"]["status"]["completed"], _partly_words()
        return [word for word in words if self.counts_partly or word not in partly]


def _partly_words() -> list[str]:
    """Words of orders of which a part was given back, which are completed all the same."""
    marks = vocabulary()["marks"]["partly"]
    return [word for word in vocabulary()["translated"]["status"]["completed"] if any(map(word.count, marks))]


def _state(writer: Writer, name: str, refunds: Refunds | None) -> _State:
    words = _partly_words()
    partly = [(value or "").strip().lower() in words for value in writer.found.columns[name]]
    return _State(name, partly, refunds is None and (any(partly) or not counts_in_full(writer)))


def _translate(writer: Writer, further: list[str], refunds: Refunds | None) -> list[str]:
    """Write the state by its column; the cases that go before: by the further columns that say it too, and by which an
    order of which a part was given back is completed where it is known how much.
    """
    own, *others = (_state(writer, name, refunds) for name in (writer.matched["status"].name, *further))
    translated = writer.translate("status", [] if own.counts_partly else _partly_words())
    _ask_about_parts(writer, [own, *others], refunds)
    cases = [case for state in others for case in _unless_completed(writer, state, refunds)]
    if others:
        writer.decide.append(
            f"orders.status: {' and '.join([own.name, *further])} tell the state, and an order counts only if none of "
            "them says otherwise; if one tells of something else, such as parcels, take its WHENs out of the CASE"
        )
    if refunds is not None and translated:
        cases.append(
            f"WHEN {is_one_of(writer.sql('status'), _partly_words())}\n            AND {refunds.any} THEN 'completed'"
        )
    return cases


def _unless_completed(writer: Writer, state: _State, refunds: Refunds | None) -> list[str]:
    """The cases by which a further column of states keeps an order from being completed. A blank one says nothing, and
    a word that is not known sets the row aside.
    """
    writer.ask_about_words("status", state.name)
    sql, known = quoted(state.name), vocabulary()["translated"]["status"]
    cases = [f"WHEN {is_one_of(sql, words)} THEN '{ours}'" for ours, words in known.items() if ours != "completed"]
    unknown = f"WHEN trim({sql}) <> ''\n            AND NOT {is_one_of(sql, state.completed)}"
    if refunds is not None:
        unknown += f"\n            AND ({is_one_of(sql, _partly_words())} AND {refunds.any}) IS NOT TRUE"
    return [*cases, f"{unknown} THEN {sql}"]


def _ask_about_parts(writer: Writer, states: list[_State], refunds: Refunds | None) -> None:
    """Say which columns tell of money given back of which no column says how much."""
    if refunds is None:
        names = [state.name for state in states if any(state.partly)] if counts_in_full(writer) else []
        if names:
            writer.decide.append(
                f"orders.amount: by {' and '.join(names)} a part of some orders was given back, and no column says how "
                "much, so that they count in full; subtract it in the select, from a table of refunds, say, or give "
                "such orders the status refunded"
            )
        return
    back = _given_back(writer)
    names = [
        state.name for state in states if any(said and not some for said, some in zip(state.partly, back, strict=True))
    ]
    if names:
        writer.decide.append(
            f"orders.status: by {' and '.join(names)} a part of some orders was given back, and "
            f"{writer.matched['refunded_amount'].name} does not say how much, so that they are set aside; subtract it "
            "in the select, from a table of refunds, say, or give such orders the status refunded"
        )


def _given_back(writer: Writer) -> list[bool]:
    """Row by row, whether the sample says that something was given back."""
    return [any(sign in (value or "") for sign in "123456789") for value in writer.values("refunded_amount")]
