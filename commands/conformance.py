"""`relance conformance`: published test vectors against relance's own forms."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from commands.context import OUT, told

if TYPE_CHECKING:
    from pipelines.conformance.scores import Score

_SHOWN = ("passed", "failed", "skipped", "reported")


def conformance(
    files: Annotated[list[Path], typer.Argument(help="Vector files, JSON Lines (docs/conformance.md).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    show_failures: Annotated[int, typer.Option("--show-failures", min=0, help="How many failed rows to show.")] = 0,
) -> None:
    """Run test vectors of any source; exit 1 if a row fails."""
    from pipelines.conformance.scores import scores
    from pipelines.conformance.vectors import read_vectors

    with told():
        read = [(path, read_vectors(path)) for path in files]
        # All together, since a row of one file may contradict a row of another.
        scored = iter(scores([vector for _, vectors in read for vector in vectors], today=date.today()))
        by_file = [(path, [next(scored) for _ in vectors]) for path, vectors in read]
    failures = [(path, score) for path, of_file in by_file for score in of_file if score.verdict == "failed"]
    if as_json:
        typer.echo(json.dumps(_as_json(by_file, failures[:show_failures]), ensure_ascii=False, indent=2))
    else:
        _print(by_file, failures[:show_failures])
    raise typer.Exit(1 if failures else 0)


def _print(by_file: list[tuple[Path, list[Score]]], failures: list[tuple[Path, Score]]) -> None:
    from pipelines.conformance.scores import counted

    for path, of_file in by_file:
        OUT.print(str(path), soft_wrap=True)
        table = Table("network", "field", *_SHOWN, "why not scored", box=None)
        for count in counted(of_file):
            reasons = {**count.skipped, **count.reported}
            why = "; ".join(f"{reason} ({rows})" if rows > 1 else reason for reason, rows in reasons.items())
            figures = (count.passed, count.failed, sum(count.skipped.values()), sum(count.reported.values()))
            table.add_row(count.network, count.field, *(str(figure) for figure in figures), why)
        OUT.print(table)
    for path, score in failures:
        vector, ours = score.vector, score.ours
        OUT.print(f"{path.parent / vector.place}: {vector.network} {vector.field}: {score.reason}", soft_wrap=True)
        OUT.print(f"  input {vector.input!r}, context {vector.context}", soft_wrap=True)
        OUT.print(f"  there {vector.normalized!r} {vector.hash or ''}", soft_wrap=True)
        OUT.print(f"  here  {ours.value!r} {ours.digest or ours.refusal}" if ours else "", soft_wrap=True)
    total = _total(by_file)
    OUT.print(", ".join(f"{total[verdict]} {verdict}" for verdict in _SHOWN), soft_wrap=True)


def _as_json(by_file: list[tuple[Path, list[Score]]], failures: list[tuple[Path, Score]]) -> dict[str, Any]:
    from pipelines.conformance.scores import counted

    return {
        **{verdict: _total(by_file)[verdict] for verdict in _SHOWN},
        "networks": {
            network: {verdict: counts[verdict] for verdict in _SHOWN} for network, counts in _networks(by_file).items()
        },
        "files": [
            {"file": str(path), "counts": [count._asdict() for count in counted(of_file)]}
            for path, of_file in by_file
        ],
        "set_aside": [
            {"file": str(path), "line": _line(score), "rule": (score.reason or "").removeprefix("set aside: ")}
            for path, of_file in by_file
            for score in of_file
            if score.verdict == "skipped" and (score.reason or "").startswith("set aside: ")
        ],
        "failures": [
            {
                "file": str(path),
                "line": _line(score),
                **score.vector.model_dump(include={"network", "field", "input", "context", "normalized", "hash"}),
                "difference": score.reason,
                "ours": {
                    "normalized": score.ours.value, "hash": score.ours.digest, "refusal": score.ours.refusal,
                } if score.ours else None,
            }
            for path, score in failures
        ],
    }  # fmt: skip


def _line(score: Score) -> int:
    return int(score.vector.place.rsplit(":", 1)[1])


def _total(by_file: list[tuple[Path, list[Score]]]) -> Counter[str]:
    return Counter(score.verdict for _, of_file in by_file for score in of_file)


def _networks(by_file: list[tuple[Path, list[Score]]]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for _, of_file in by_file:
        for score in of_file:
            found.setdefault(score.vector.network, Counter())[score.verdict] += 1
    return dict(sorted(found.items()))
