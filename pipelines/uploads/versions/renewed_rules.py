"""Networks for which files are made by other rules than before."""

from __future__ import annotations

from catalog.store import Catalog, manifest_of
from pipelines.uploads.versions.digests import rules_version
from schemas.config import Config
from schemas.nights import ConfigChange
from schemas.segment import Audience


def renewed_rules(catalog: Catalog, config: Config) -> list[ConfigChange]:
    """Each network of whose declared audiences the newest versions were made by other rules than tonight's."""
    newest = {Audience.of(row): row for row in catalog.versions(state=None)}
    renewed = []
    for network in config.used_networks.values():
        now = rules_version(network)
        of_network = [newest[each] for each in config.audiences if each.network == network.name and each in newest]
        if any(manifest_of(row).rules_version != now for row in of_network):
            renewed.append(ConfigChange(kind="rules_renewed", about=network.title))
    return renewed
