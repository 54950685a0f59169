"""`instances`, over table services that answer within the process."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import pytest

from durable.instance_ids import to_partition_key
from durable.stores import Slot
from release.cli.instances import FEW
from release.swap import LiveError
from tests.localazure.host.test_azurite import Azurite
from tests.release.cli.fakes import BLUE, GREEN, NEW, NOW, OLD, SECRET, Scene, slot
from tests.release.test_instance_query import Queried
from tests.release.test_instances import Row, a_refusal, a_row
from tests.release.test_instances_azurite import Account, write

TRACKING = {"RELEASE_TRACKING": "Tracking", "Tracking": f"AccountName=shared;AccountKey={SECRET}"}


def a_hub(*rows: Row) -> list[list[Row]]:
    return [list(rows)]


def created(hours_ago: float) -> dict[str, str]:
    time = NOW - timedelta(hours=hours_ago)
    return {"CreatedTime": f"{time:%Y-%m-%dT%H:%M:%S.%f}0Z"}


def listed(scene: Scene, *args: str, code: int = 0) -> list[dict[str, Any]]:
    done = scene.command("instances", *args, "--json")
    assert done.exit_code == code, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def ids(scene: Scene, *args: str) -> list[str]:
    return [row["id"] for row in listed(scene, *args)]


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """Orders in both stores, some of them finished, and an entity."""
    scene.site.tables[GREEN] = Queried(
        {
            "OrdersHubInstances": a_hub(
                a_row("order-1", "Running", Version="2.0", **created(1)),
                a_row("order-2", "Completed", Version="2.0", **created(30)),
                a_row("@counter@1", "Running"),
            )
        }
    )
    scene.site.tables[BLUE] = Queried(
        {
            "OldHubInstances": a_hub(a_row("refund-1", "Paused", Name="refund_order", **created(200))),
            "OrdersHubInstances": a_hub(a_row("order-1", "Failed", Version="1.0", **created(0.5))),
        }
    )
    return scene


def test_each_row_of_both_stores_is_an_object_in_a_line(shop: Scene) -> None:
    found = listed(shop, "--stack", "prod")
    assert shop.opened == ["prod"]
    assert found[0] == {
        "account": GREEN,
        "hub": "OrdersHub",
        "id": "order-1",
        "name": "process_order",
        "version": "2.0",
        "status": "Running",
        "active": True,
        "created": "2026-07-02T11:00:00Z",
        "updated": None,
    }
    assert [(one["account"], one["hub"], one["id"], one["active"]) for one in found[1:]] == [
        (GREEN, "OrdersHub", "order-2", False),
        (BLUE, "OldHub", "refund-1", True),
        (BLUE, "OrdersHub", "order-1", False),
    ]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("--hub", "oldhub"), ["refund-1"]),
        (("--hub", "OldHub", "--hub", "OrdersHub", "--status", "failed"), ["order-1"]),
        (("--version", "2.0"), ["order-1", "order-2"]),
        (("--version", ""), ["refund-1"]),
        (("--version", "1.0", "--version", ""), ["refund-1", "order-1"]),
        (("--status", "COMPLETED", "--status", "Running"), ["order-1", "order-2"]),
        (("--active",), ["order-1", "refund-1"]),
        (("--name", "refund_*"), ["refund-1"]),
        (("--id", "order-2"), ["order-2"]),
        (("--older-than", "30h"), ["refund-1"]),
        (("--older-than", "29.99h"), ["order-2", "refund-1"]),
        (("--newer-than", "60m"), ["order-1", "order-1"]),
        (("--newer-than", "3599s"), ["order-1"]),
        (("--older-than", "1h", "--newer-than", "7d"), ["order-2"]),
        (("--entities", "--id", "@"), ["@counter@1"]),
        (("--limit", "3"), ["order-1", "order-2", "refund-1"]),
    ],
)
def test_what_is_asked_for_is_listed(shop: Scene, args: tuple[str, ...], expected: list[str]) -> None:
    assert ids(shop, *args) == expected


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--older-than", "2 hours"), "'2 hours' is no age: write a number and s, m, h or d"),
        (("--older-than", "-2h"), "is no age"),
        (("--newer-than", "2"), "is no age"),
        (("--newer-than", ""), "is no age"),
        (("--newer-than", "\u0663h"), "is no age"),
        (("--older-than", "999999999999d"), "is too long an age"),
        (("--older-than", "36501d"), "is too long an age"),
        (("--status", "Runing"), "'Runing' is not one of"),
        (("--active", "--status", "Running"), "name --active or --status"),
        (("--limit", "0"), "should be greater than or equal to 1"),
    ],
)
def test_arguments_that_make_no_sense_end_with_two(shop: Scene, args: tuple[str, ...], says: str) -> None:
    done = shop.command("instances", *args)
    assert done.exit_code == 2
    assert says in " ".join(done.stderr.replace("\u2502", " ").split())
    assert done.stdout == ""
    assert shop.opened == []


def test_a_person_is_shown_a_table(shop: Scene) -> None:
    done = shop.command("instances", "--entities")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["account", "hub", "id", "name", "version", "status", "created", "(UTC)", "age"]
    day = "2026-07-02"
    assert [GREEN, "OrdersHub", "order-1", "process_order", "2.0", "Running", day, "11:00:00", "1h"] in lines
    assert [GREEN, "OrdersHub", "order-2", "process_order", "2.0", "Completed", "2026-07-01", "06:00:00", "1d"] in lines
    assert [BLUE, "OldHub", "refund-1", "refund_order", "Paused", "2026-06-24", "04:00:00", "8d"] in lines
    assert [BLUE, "OrdersHub", "order-1", "process_order", "1.0", "Failed", day, "11:30:00", "30m"] in lines
    assert len(lines) == 6
    assert done.stderr == ""


def test_the_columns_of_a_later_page_are_below_those_of_the_first(scene: Scene) -> None:
    pages = [[a_row(f"order-{page}")] for page in range(3)]
    scene.site.tables = {GREEN: Queried({"OrdersHubInstances": pages})}
    heading, *lines = scene.command("instances").stdout.splitlines()
    assert len(lines) == 3
    for column, text in (("id", "order-"), ("name", "process_order"), ("status", "Running")):
        assert {line.index(text) for line in lines} == {heading.index(column)}


def test_odd_texts_are_whole_and_harmless_on_a_terminal(scene: Scene) -> None:
    odd = {"PartitionKey": to_partition_key("[red]\x1b[31m"), "Name": "[b]x"}
    long = a_row("x" * 256, "Running")
    scene.site.slots = {Slot.PRODUCTION: slot(GREEN, NEW, **TRACKING), Slot.STAGING: None}
    scene.site.tables = {"shared": Queried({"DurableTaskInstances": a_hub(odd, long)})}
    shown = scene.command("instances").stdout
    assert "'[red]\\x1b[31m'" in shown
    assert "\x1b" not in shown
    assert "[b]x" in shown
    assert "(unknown)" in shown
    assert "(none)" in shown
    assert shown.count("x" * 20) >= 3
    assert sum(line.count("x") for line in shown.splitlines()) == 256 + 2


def test_a_person_is_shown_a_hundred_and_told_that_there_may_be_more(scene: Scene) -> None:
    rows = [a_row(f"order-{number:03}") for number in range(FEW + 1)]
    scene.site.tables = {GREEN: Queried({"OrdersHubInstances": [rows, [a_row("later")]]})}
    done = scene.command("instances")
    assert len(done.stdout.splitlines()) == 1 + FEW
    assert done.stderr == f"There may be more than these {FEW}: see --limit.\n"
    assert scene.site.tables[GREEN].log == ["Tables", "OrdersHubInstances()"]
    assert len(scene.command("instances", "--limit", "102").stdout.splitlines()) == 103
    assert len(ids(scene)) == 102


def test_nothing_is_said_on_stdout_where_there_is_nothing(scene: Scene) -> None:
    done = scene.command("instances", "--active")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"There is no such instance in {GREEN}, {BLUE}.\n"
    assert listed(scene) == []


def test_a_tracking_store_is_read_once_with_the_hubs_of_all_apps_and_then_the_stores(shop: Scene) -> None:
    shop.site.slots = {
        Slot.PRODUCTION: slot(GREEN, NEW, **TRACKING),
        Slot.STAGING: slot(BLUE, OLD, **TRACKING),
    }
    rows = [a_row("a", TaskHubName="OrdersGreen"), a_row("b", TaskHubName="ShopBlue"), a_row("c")]
    shop.site.tables["shared"] = Queried({"DurableTaskInstances": [rows]})
    found = [(one["account"], one["hub"], one["id"]) for one in listed(shop)]
    assert found[:3] == [("shared", "OrdersGreen", "a"), ("shared", "ShopBlue", "b"), ("shared", None, "c")]
    assert [account for account, _, _ in found[3:]] == [GREEN, GREEN, BLUE, BLUE]
    assert ids(shop, "--hub", "shopblue") == ["b", "c"]
    assert shop.site.tables["shared"].log == ["Tables", "DurableTaskInstances()"] * 2


def test_an_account_that_is_store_and_tracking_store_is_read_once_as_the_latter(shop: Scene) -> None:
    shop.site.slots[Slot.STAGING] = slot(BLUE, OLD, RELEASE_TRACKING="DurableManagementStorage")
    assert [(one["account"], one["hub"]) for one in listed(shop)] == [
        (BLUE, None),
        (BLUE, None),
        (GREEN, "OrdersHub"),
        (GREEN, "OrdersHub"),
    ]


def test_a_tracking_connection_that_is_not_set_is_unknown(shop: Scene) -> None:
    shop.site.slots[Slot.PRODUCTION] = slot(GREEN, NEW, RELEASE_TRACKING="Tracking")
    (failed,) = listed(shop, code=4)
    assert failed["outcome"] == "unknown"
    assert "no app setting is the connection Tracking; set Tracking" in failed["reason"]


def test_a_slot_that_names_no_store_yet_is_left_out(shop: Scene) -> None:
    shop.site.slots[Slot.STAGING] = {"FUNCTIONS_EXTENSION_VERSION": "~4"}
    assert {one["account"] for one in listed(shop)} == {GREEN}
    shop.site.slots[Slot.STAGING] = None
    assert {one["account"] for one in listed(shop)} == {GREEN}
    shop.site.slots[Slot.PRODUCTION] = None
    (failed,) = listed(shop, code=4)
    assert "no slot of the app names a store" in failed["reason"]


def test_a_look_into_the_middle_of_a_swap_is_repeated(shop: Scene) -> None:
    """Production is read before the exchange and staging after it, so both name one store."""
    settings = shop.site.settings
    shop.swap()
    swaps = iter([shop.swap])

    def swapping(which: Slot) -> Any:
        found = settings(which)
        next(swaps, lambda: None)()
        return found

    shop.site.settings = swapping  # type: ignore[method-assign, assignment]
    assert {one["account"] for one in listed(shop)} == {GREEN, BLUE}


def test_slots_that_cannot_be_read_are_unknown(shop: Scene) -> None:
    shop.site.error = LiveError("Azure answered 503")
    assert listed(shop, code=4) == [{"outcome": "unknown", "reason": "Azure answered 503"}]
    done = shop.command("instances")
    assert (done.exit_code, done.stdout, done.stderr) == (4, "", "Azure answered 503\n")


def test_an_account_that_cannot_be_read_to_its_end_is_unknown_after_its_rows(scene: Scene) -> None:
    service = Queried({"OrdersHubInstances": [[a_row("order-1")], [a_row("order-2")]]})
    service.failing = lambda asked: a_refusal(403, "AuthenticationFailed") if asked.endswith(" 1") else None
    scene.site.tables = {GREEN: service}
    row, failed = listed(scene, code=4)
    assert row["id"] == "order-1"
    assert failed["outcome"] == "unknown"
    assert f"storage account {GREEN}: the table service answered 403" in failed["reason"]
    done = scene.command("instances")
    assert done.exit_code == 4
    assert len(done.stdout.splitlines()) == 2
    assert "answered 403" in done.stderr


@pytest.mark.parametrize("args", [(), ("--json",)])
def test_a_page_is_out_before_the_next_is_asked_for_and_ctrl_c_ends_it(scene: Scene, args: tuple[str, ...]) -> None:
    seen: list[str] = []

    def interrupted(asked: str) -> None:
        if asked.endswith(" 1"):
            seen.append(sys.stdout.buffer.getvalue().decode())  # type: ignore[union-attr]
            raise KeyboardInterrupt

    service = Queried({"OrdersHubInstances": [[a_row("order-1")], [a_row("order-2")]]}, failing=interrupted)
    scene.site.tables = {GREEN: service}
    done = scene.command("instances", *args)
    assert done.exit_code == 130
    assert "order-1" in seen[0]
    assert done.stdout.startswith(seen[0])
    last = done.output.splitlines()[-1]
    assert (json.loads(last)["reason"] if args else last) == "Interrupted. Nothing was changed."


def test_a_connection_needs_neither_stack_nor_config(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> None:
    azurite = Azurite(tmp_path_factory.mktemp("azurite"))
    try:
        account = Account(azurite)
        table = account.hub("DurableTask")
        write(table, "order-1", Version="1.0", TaskHubName="OrdersBlue")
        write(table, "it's", "Completed", Version="2.0", TaskHubName="ShopBlue")
        scene.environ["Elsewhere"] = account.by_key["X"]
        found = listed(scene, "--connection", "Elsewhere")
        assert [(one["hub"], one["id"], one["version"]) for one in found] == [
            ("ShopBlue", "it's", "2.0"),
            ("OrdersBlue", "order-1", "1.0"),
        ]
        assert ids(scene, "--connection", account.by_key["X"], "--id", "it's", "--version", "2.0") == ["it's"]
        shown = scene.command("instances", "--connection", "Elsewhere", "--hub", "ordersblue")
        heading, row = (line.split() for line in shown.stdout.splitlines())
        assert heading[0] == "hub"
        assert row[:5] == ["OrdersBlue", "order-1", "process_order", "1.0", "Running"]
        assert account.key not in shown.output
    finally:
        azurite.process.stop()
    (failed,) = listed(scene, "--connection", "Elsewhere", code=4)
    assert "can't be reached while listing the tables" in failed["reason"]
    (failed,) = listed(scene, "--connection", "Nowhere", code=4)
    assert "set Nowhere" in failed["reason"]
    assert scene.opened == []
