"""`relance check`: every declared file, without data."""

from __future__ import annotations

from commands.context import OUT, ConfigOption, config_folder, told


def check(config: ConfigOption = None) -> None:
    """Read every declared file and try every rule; nothing of the CRM is read."""
    from pipelines.declared import checked_config

    with told():
        checked = checked_config(config_folder(config))
    OUT.print(
        f"{checked.folder}: {len(checked.segments)} segments, {len(checked.audiences)} audiences on "
        f"{', '.join(checked.used_networks) or 'no network'}, {checked.rates.height} rates. All in order.",
        soft_wrap=True,
    )
