"""How a run's progress is shown on a terminal."""

import logging

import dagster as dg
from rich.console import Console


def _progress_logger(context: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("progress", level=logging.DEBUG)
    logger.addHandler(_ProgressHandler())
    return logger


#: One line a finished asset, rows and seconds, and nothing else; `relance run` uses it.
progress = dg.LoggerDefinition(_progress_logger)


class _ProgressHandler(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self._console = Console(stderr=True, highlight=False)
        self._rows: dict[str, list[tuple[str, int | None]]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        if event is None or event.step_key is None:
            return
        if event.event_type_value == "ASSET_MATERIALIZATION":
            materialization = event.step_materialization_data.materialization
            value = materialization.metadata.get("dagster/row_count")
            name = "/".join(materialization.asset_key.path)
            self._rows.setdefault(event.step_key, []).append((name, value.value if value else None))
        if event.event_type_value == "STEP_SUCCESS":
            seconds = event.step_success_data.duration_ms / 1000
            for name, rows in self._rows.pop(event.step_key, []):
                self._console.print(f"  {name:<48} {'–' if rows is None else f'{rows:,}':>10} rows {seconds:>7.1f} s")
        if event.event_type_value == "STEP_UP_FOR_RETRY":
            seconds = event.step_retry_data.seconds_to_wait
            self._console.print(f"  {event.step_key:<48} source not reachable, next try in {seconds:.0f} s")
        if event.event_type_value == "STEP_FAILURE":
            self._console.print(f"  {event.step_key:<48} [red]failed[/red]")
