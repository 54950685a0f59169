"""Task hub names: explicit where there are slots, never sticky, and one app's alone."""

from __future__ import annotations

from collections.abc import Iterator

from policies.config import Config
from policies.finding import Finding, later
from policies.hubs import hub_settings, plain
from policies.model import Program
from policies.scope import durable_sites


def name_not_sticky(program: Program, config: Config) -> Iterator[Finding]:
    for site in durable_sites(program, config):
        if not site.sticky_known:
            yield later(site.slot_names[0], f"the list of sticky settings of site {site.label}")
        names = frozenset().union(*(hub_settings(program, slot, config) for slot in site.slots))
        for sticky, resource in site.sticky.items():
            if plain(sticky) in names or sticky.lower() in names:
                yield Finding(
                    resource,
                    f"{sticky!r} names the task hub of site {site.label} and is sticky. In the first phase of a swap "
                    "the new code then runs on production's task hub while the old code still does. Take it out of "
                    "appSettingNames, so that the hub travels with the code",
                )
