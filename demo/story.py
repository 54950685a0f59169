"""The story: a first release, a second one that waits for orders under way, the way back, and what is refused."""

from __future__ import annotations

import json
import os
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.azure import HUB, REPOSITORY, SITE, STACK, careless_program
from demo.orders import Order, Shop
from demo.terminal import Terminal
from release.config import NAMESPACE

ON_STACK = ("--stack", STACK)
ITEMS = ("lamp", "table", "chair")
CHARGE = '    receipt = yield context.call_activity("charge_customer", order)\n'
SHIP = '    parcel = yield context.call_activity("ship_order", order)\n'


def tell(terminal: Terminal, folder: Path, pause: float) -> None:
    """Play all scenes on the program in a folder. Raises FailedError where one doesn't go as told.

    An orchestration runs on for `pause` seconds after it was counted.
    """
    first_release(terminal, folder)
    with shop() as open_shop:
        orders = orders_come_in(terminal, open_shop)
        second_release(terminal, folder, orders, pause)
        customers_go_on(terminal, open_shop)
    way_back(terminal, folder)
    refusals(terminal, folder)
    terminal.say("\nThat was it. `make up` builds the same for you to play with.")


def first_release(terminal: Terminal, folder: Path) -> None:
    terminal.scene(
        "1. The first release",
        "The real Pulumi engine deploys the sample app, a small shop, to a local Azure that was started for this demo.",
        "It runs the app as the Functions host does, with the orchestrations in Microsoft's own SDK.",
    )
    want(terminal, package(folder, "first"))
    terminal.release("deploy", *ON_STACK)


def orders_come_in(terminal: Terminal, open_shop: Shop) -> list[Order]:
    terminal.scene(
        "2. Orders come in",
        f"{len(ITEMS)} customers order at production's host name. Each order is an orchestration: its stock is",
        "reserved, and now it waits for somebody to approve it.",
    )
    orders = [open_shop.order(item) for item in ITEMS]
    for order in orders:
        terminal.say(f"  {order.item}: running")
    terminal.release("gate", *ON_STACK, "--slot", "production", "--timeout", "0", "--steady", "0", code=3)
    return orders


def second_release(terminal: Terminal, folder: Path, orders: list[Order], pause: float) -> None:
    terminal.scene(
        "3. The second release",
        "Its code ships before it charges, so no order of before could go on with it. It goes into the staging slot,",
        "on the other store. Before the swap it waits for the orders, as the article asks. Each is approved in turn.",
    )
    under_way = list(orders)

    def approve_one(line: str) -> None:
        if f"{len(under_way)} active in " in line and under_way:
            time.sleep(pause)
            order = under_way.pop(0)
            terminal.say(f"  {order.item}: approved, and {json.dumps(order.approve())}")

    want(terminal, package(folder, "second"))
    terminal.release("deploy", *ON_STACK, heard=approve_one)
    terminal.release("status", *ON_STACK)


def customers_go_on(terminal: Terminal, open_shop: Shop) -> None:
    terminal.scene(
        "4. An order to the new code",
        "The same address, and the new code in the other store's task hub.",
    )
    terminal.say(f"  mirror: approved, and {json.dumps(open_shop.order('mirror').approve())}")


def way_back(terminal: Terminal, folder: Path) -> None:
    terminal.scene(
        "5. The way back",
        "Staging still holds the first package, on its own store. So a roll back is one swap, and takes no zip.",
    )
    (folder / "first.zip").unlink()
    terminal.release("rollback", *ON_STACK)


def refusals(terminal: Terminal, folder: Path) -> None:
    """What would hurt is refused before anything is changed: by the program itself, and by the policy pack."""
    terminal.scene(
        "6. A package that would hurt",
        "Its host.json leaves the hub in the host's own storage, which both slots share: two packages would meet",
        "in it. It is refused before anything is changed.",
    )
    with zipfile.ZipFile(folder / "careless.zip", "w") as archive:
        archive.writestr("host.json", f'{{"version": "2.0", "extensions": {{"durableTask": {{"hubName": "{HUB}"}}}}}}')
    terminal.release("deploy", *ON_STACK, "--package", "careless.zip", code=1)

    terminal.scene(
        "7. A program that would hurt",
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
    """The sample app; the second one does its last two steps the other way round."""
    path = folder / f"{name}.zip"
    functions = REPOSITORY / "functions"
    code = (functions / "function_app.py").read_text()
    if name == "second":
        if CHARGE + SHIP not in code:
            raise RuntimeError("functions/function_app.py has other steps by now: say here which ones to exchange")
        code = code.replace(CHARGE + SHIP, SHIP + CHARGE)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("function_app.py", code)
        for file in ("host.json", "status_check.py"):
            archive.write(functions / file, file)
    return path


@contextmanager
def shop() -> Iterator[Shop]:
    """The shop at production's host name, until the customers leave."""
    opened = Shop(os.environ["ARM_METADATA_HOSTNAME"], f"{SITE}-rg", SITE)
    try:
        yield opened
    finally:
        opened.close()
