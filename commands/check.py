"""`relance check`: every declared file, without data."""

from __future__ import annotations

from commands.context import OUT, ConfigOption, config_folder, told
from schemas.counts import count_of


def check(config: ConfigOption = None) -> None:
    """Read every declared file and try every rule; nothing of the CRM is read."""
    from pipelines.declared import checked_config

    with told():
        checked = checked_config(config_folder(config))
    OUT.print(
        f"{checked.folder}: {count_of(len(checked.segments), 'segment')}, "
        f"{count_of(len(checked.audiences), 'audience')} on {', '.join(checked.used_networks) or 'no network'}, "
        f"{count_of(checked.rates.height, 'rate')}. All in order.",
        soft_wrap=True,
    )
