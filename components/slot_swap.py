"""The swap: what brings a staged package into production."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import dynamic


@dataclass(frozen=True)
class SlotSwapArgs:
    """`package` is what production is to run at the end of this run, `production` what was seen in it at its start.

    They differ when there is something to swap. `app` names the app to `provider`, which does it, and has production
    answer afterwards if `check`.
    """

    provider: dynamic.ResourceProvider
    app: Mapping[str, Any]
    package: str | None
    production: str | None
    check: bool = True


class SlotSwap(dynamic.Resource, module="durable-zero-downtime", name="SlotSwap"):
    """That a package is in production. To make and to change it is one action, which does nothing where it is so.

    Nothing is swapped back when it is deleted. Declare it to depend on the settings of both slots.
    """

    production: pulumi.Output[str | None]
    """The package in production: as it was left by the last swap, or found by the last refresh."""

    def __init__(self, name: str, args: SlotSwapArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        inputs = {**args.app, "package": args.package, "production": args.production, "check": args.check}
        super().__init__(args.provider, name, inputs, opts)
