"""The story: a first release, a second one that waits for orders under way, the way back, and what is refused."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

from demo.azure import HUB, REPOSITORY, STACK, Shop, careless_program
from demo.terminal import Terminal
from release.config import NAMESPACE

ON_STACK = ("--stack", STACK)
ORDERS = 3
TOTAL = 2000
"""An order as dear as that waits for somebody's approval."""

SAMPLE = REPOSITORY / "functions"
CHARGE, SHIP = (
    f'    {name} = yield context.call_activity("{activity}", order)\n'
    for name, activity in (("receipt", "charge_customer"), ("parcel", "ship_order"))
)


def tell(terminal: Terminal, folder: Path, pause: float) -> None:
    """Play all scenes on the program in a folder. Raises FailedError where one doesn't go as told.

    An order waits for `pause` seconds after it was counted.
    """
    first_release(terminal, folder)
    shop, orders = orders_come_in(terminal)
    second_release(terminal, folder, shop, orders, pause)
    way_back(terminal, folder)
    refusals(terminal, folder)
    terminal.say("\nThat was it. `make up` builds the same for you to play with.")


def first_release(terminal: Terminal, folder: Path) -> None:
    terminal.scene(
        "1. The first release",
        "The real Pulumi engine deploys the sample app to a local Azure that was started for this demo.",
    )
    want(terminal, package(folder, "first", CHARGE + SHIP))
    terminal.release("deploy", *ON_STACK)


def orders_come_in(terminal: Terminal) -> tuple[Shop, list[str]]:
    terminal.scene(
        "2. Orders come in",
        f"{ORDERS} customers order at production's host name. Each order is an orchestration of the app's own code,",
        "which has reserved the goods and waits for an approval.",
    )
    shop = Shop()
    orders = [shop.order(TOTAL) for _ in range(ORDERS)]
    terminal.release("instances", *ON_STACK)
    terminal.release("gate", *ON_STACK, "--slot", "production", "--timeout", "0", "--steady", "0", code=3)
    return shop, orders


def second_release(terminal: Terminal, folder: Path, shop: Shop, orders: list[str], pause: float) -> None:
    terminal.scene(
        "3. The second release",
        "It ships before it charges: an order that was begun by the first package would break under it. It goes into",
        "the staging slot, on the other store, and before the swap it waits for the orders, as the article asks.",
        "They are approved one by one.",
    )
    waiting = list(orders)

    def approve_one(line: str) -> None:
        if f"{len(waiting)} active in " in line and waiting:
            time.sleep(pause)
            shop.approve(waiting.pop(0))

    want(terminal, package(folder, "second", SHIP + CHARGE))
    terminal.release("deploy", *ON_STACK, heard=approve_one)
    terminal.release("status", *ON_STACK)
    terminal.release("instances", *ON_STACK)


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


def package(folder: Path, name: str, payment: str) -> Path:
    """The sample app with these two steps at the end of an order.

    Its libraries aren't in it: local Azure has them too, and the package is quicker to make.
    """
    code = (SAMPLE / "function_app.py").read_text()
    if CHARGE + SHIP not in code:
        raise ValueError("the sample app's payment isn't written as the demo knows it")
    path = folder / f"{name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("function_app.py", code.replace(CHARGE + SHIP, payment))
        for file in ("status_check.py", "host.json"):
            archive.write(SAMPLE / file, file)
    return path
