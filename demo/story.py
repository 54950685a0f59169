"""The story: a first release, a second one that waits for orders under way, the way back, and what is refused."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

from demo.azure import HUB, REPOSITORY, STACK, Orchestrations, careless_program
from demo.terminal import Terminal
from durable.stores import Slot
from release.cli.project import PulumiProject
from release.cli.tools import AzureSite
from release.config import NAMESPACE, load

ON_STACK = ("--stack", STACK)
ORDERS = ("order-1", "order-2", "order-3")


def tell(terminal: Terminal, folder: Path, pause: float) -> None:
    """Play all scenes on the program in a folder. Raises FailedError where one doesn't go as told.

    An orchestration runs on for `pause` seconds after it was counted.
    """
    first_release(terminal, folder)
    orders = orders_come_in(terminal, folder)
    second_release(terminal, folder, orders, pause)
    way_back(terminal, folder)
    refusals(terminal, folder)
    terminal.say("\nThat was it. `make up` builds the same for you to play with.")


def first_release(terminal: Terminal, folder: Path) -> None:
    terminal.scene(
        "1. The first release",
        "The real Pulumi engine deploys to a local Azure that was started for this demo.",
        "Local Azure doesn't run function code yet, so the packages hold little more than a host.json.",
    )
    want(terminal, package(folder, "first"))
    terminal.release("deploy", *ON_STACK)


def orders_come_in(terminal: Terminal, folder: Path) -> Orchestrations:
    terminal.scene(
        "2. Orders come in",
        f"{len(ORDERS)} orchestrations begin in production's task hub. Since no function runs, the demo writes",
        "their rows itself, in the schema of the Durable extension.",
    )
    orders = Orchestrations(connection(folder), HUB)
    for order in ORDERS:
        orders.put(order, "Running")
    terminal.release("gate", *ON_STACK, "--slot", "production", "--timeout", "0", "--steady", "0", code=3)
    return orders


def second_release(terminal: Terminal, folder: Path, orders: Orchestrations, pause: float) -> None:
    terminal.scene(
        "3. The second release",
        "It goes into the staging slot, on the other store. Before the swap it waits for the orders, as the",
        "article asks: their status can be asked for at production for as long as they run. They end one by one.",
    )
    under_way = list(ORDERS)

    def end_one(line: str) -> None:
        if f"{len(under_way)} active in " in line and under_way:
            time.sleep(pause)
            orders.put(under_way.pop(0), "Completed")

    want(terminal, package(folder, "second"))
    terminal.release("deploy", *ON_STACK, heard=end_one)
    terminal.release("status", *ON_STACK)


def way_back(terminal: Terminal, folder: Path) -> None:
    terminal.scene(
        "4. The way back",
        "Staging still holds the first package, on its own store. So a roll back is one swap, and takes no zip.",
    )
    (folder / "first.zip").unlink()
    terminal.release("rollback", *ON_STACK)


def refusals(terminal: Terminal, folder: Path) -> None:
    """What would hurt is refused before anything is changed: by the program itself, and by the policy pack."""
    terminal.scene(
        "5. A package that would hurt",
        "Its host.json leaves the hub in the host's own storage, which both slots share: two packages would meet",
        "in it. It is refused before anything is changed.",
    )
    with zipfile.ZipFile(folder / "careless.zip", "w") as archive:
        archive.writestr("host.json", f'{{"version": "2.0", "extensions": {{"durableTask": {{"hubName": "{HUB}"}}}}}}')
    terminal.release("deploy", *ON_STACK, "--package", "careless.zip", code=1)

    terminal.scene(
        "6. A program that would hurt",
        "Another program, of somebody else, makes the durable connection a slot setting. The policy pack refuses",
        "it in the preview.",
    )
    elsewhere = Terminal(careless_program(folder))
    preview = ["pulumi", "preview", "--stack", STACK, "--non-interactive", "--color", "never", "--suppress-progress"]
    pack = ["--policy-pack", str(REPOSITORY / "policies")]
    elsewhere.run([*preview, *pack], "pulumi preview --policy-pack policies", code=1)


def want(terminal: Terminal, path: Path) -> None:
    """Have config ask for a package."""
    setting = ["pulumi", "config", "set", f"{NAMESPACE}:package", path.name, *ON_STACK]
    terminal.run([*setting, "--non-interactive"], " ".join(setting))


def package(folder: Path, name: str) -> Path:
    """A package with the sample app's host.json."""
    path = folder / f"{name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(REPOSITORY / "functions" / "host.json", "host.json")
        archive.writestr("release.txt", name)
    return path


def connection(folder: Path) -> str:
    """The connection string of the store that production names now."""
    config = PulumiProject(folder, STACK, lambda: None).config()
    settings = load(config)
    return (AzureSite(settings, config).settings(Slot.PRODUCTION) or {})[settings.connection_name]
