"""The versions of the proof's app: packages of which no one can go on with what another has begun."""

from __future__ import annotations

import itertools
import json
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from release.package import HOST_JSON, Package, open_package
from release.package.build import write_zip

SHOP: Final = Path(__file__).resolve().parent / "shop"
HUB: Final = "ShopHub"
_CODE: Final = "function_app.py"
_VERSION: Final = "version.py"
_STEPS: Final = ("reserve", "charge", "pack", "ship")


@dataclass(frozen=True)
class Version:
    """One version: the same orchestrators by name, with other steps in another order within them."""

    number: int
    order: tuple[str, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of its activities, in the order in which its orchestrators take them."""
        return tuple(f"{step}_v{self.number}" for step in self.order)

    @property
    def code(self) -> str:
        """Its `version.py`."""
        return (
            f'"""Version {self.number} of the shop."""\n\n'
            f"VERSION = {self.number}\n"
            f"STEPS = ({', '.join(json.dumps(step) for step in self.steps)})\n"
            f'DELIVERY = "delivery_v{self.number}"\n'
            f"WAITS_FIRST = {self.number % 2 == 0}\n"
        )


class Versions:
    """The versions of a run by a seed, each with another order of steps than the one before it."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret is made with it
        self._made: list[Version] = []

    def __getitem__(self, number: int) -> Version:
        """A version by its number; they begin with 1."""
        while len(self._made) < number:
            before = self._made[-1].order if self._made else ()
            orders = [order for order in itertools.permutations(_STEPS) if order != before]
            self._made.append(Version(len(self._made) + 1, self._random.choice(orders)))
        return self._made[number - 1]


def build(version: Version, folder: Path, host_json: str | None = None) -> Package:
    """Zip a version into a folder, if it isn't there yet; without dependencies, which local Azure's workers have."""
    output = folder / f"shop-{version.number}.zip"
    if not output.exists():
        with tempfile.TemporaryDirectory() as place:
            code, host = Path(place, _VERSION), Path(place, HOST_JSON)
            code.write_text(version.code)
            host.write_text(host_json or (SHOP / HOST_JSON).read_text())
            write_zip([(_CODE, SHOP / _CODE), (HOST_JSON, host), (_VERSION, code)], output)
    return open_package(output)


def tracked_host_json(connection: str, prefix: str) -> str:
    """The app's host.json with a tracking store, where each hub takes its name from a setting (azure_facts.md 2.3)."""
    root = json.loads((SHOP / HOST_JSON).read_text())
    durable = root["extensions"]["durableTask"]
    durable["hubName"] = "%TaskHub%"
    durable["storageProvider"] |= {"trackingStoreConnectionName": connection, "trackingStoreNamePrefix": prefix}
    return json.dumps(root, indent=2)
