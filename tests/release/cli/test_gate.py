from __future__ import annotations

import pytest

from durable.stores import Slot
from release.cli.gate import KEY_VARIABLE
from release.swap import LiveError
from tests.loopback import answering
from tests.release.cli.fakes import BLUE, GREEN, SECRET, Scene, order
from tests.release.test_status_check import KEY, SHA, Site, a_status, ok

ONCE = ("--timeout", "0", "--steady", "0")


@pytest.mark.parametrize(
    ("named", "account"),
    [
        (("--slot", "production"), GREEN),
        (("--slot", "staging"), BLUE),
        (("--store", "green"), GREEN),
        (("--store", "blue"), BLUE),
    ],
)
def test_a_drained_store_ends_with_zero(scene: Scene, named: tuple[str, ...], account: str) -> None:
    found = scene.document("gate", *named)
    assert found == {
        "state": "drained",
        "reason": f"{account} is drained: no active instance in OrdersHub",
        "account": account,
        "trackingAccount": None,
        "hubs": ["OrdersHub"],
        "active": 0,
        "byStatus": {},
        "byName": {},
        "instances": [],
        "excepted": [],
    }


def test_a_store_goes_with_its_colour_when_the_slots_are_swapped(scene: Scene) -> None:
    scene.green.readings = [(order(1),)]
    assert scene.document("gate", "--store", "green", *ONCE, code=3)["account"] == GREEN
    scene.swap()
    assert scene.document("gate", "--store", "green", *ONCE, code=3)["account"] == GREEN
    assert scene.document("gate", "--slot", "staging", *ONCE, code=3)["account"] == GREEN


def test_a_busy_store_ends_with_three_and_names_the_instances(scene: Scene) -> None:
    scene.blue.readings = [(order(1), order(2, "Pending"))]
    found = scene.document("gate", "--slot", "staging", *ONCE, code=3)
    assert (found["state"], found["active"]) == ("busy", 2)
    assert found["byStatus"] == {"Pending": 1, "Running": 1}
    assert found["byName"] == {"fulfil_order": 2}
    assert found["instances"][1] == {
        "id": "order-2",
        "name": "fulfil_order",
        "status": "Pending",
        "hub": "OrdersHub",
        "created": "2026-07-02T10:00:00Z",
    }
    assert "order-1" in found["reason"]


def test_counts_go_to_stderr_while_it_waits_each_once(scene: Scene) -> None:
    scene.blue.readings = [(order(1), order(2)), (order(1), order(2)), (order(2),), ()]
    done = scene.command("gate", "--slot", "staging")
    assert done.exit_code == 0
    told = [line.split(":")[0] for line in done.stderr.splitlines()]
    assert told == [
        f"2 active in {BLUE}",
        f"1 active in {BLUE}",
        f"no active instance in {BLUE}, but not for long enough yet",
        f"{BLUE} is drained",
    ]
    assert done.stdout == "drained\n"


def test_the_config_says_how_long_to_wait_unless_the_command_does(scene: Scene) -> None:
    scene.blue.readings = [*[(order(1),)] * 3, ()]
    assert scene.command("gate", "--slot", "staging").exit_code == 0
    scene.blue.readings = [*[(order(1),)] * 3, ()]
    assert scene.command("gate", "--slot", "staging", "--timeout", "2").exit_code == 3


def test_excepted_instances_are_told_and_not_waited_for(scene: Scene) -> None:
    scene.blue.readings = [(order(1), order(2))]
    found = scene.document("gate", "--slot", "staging", "--except", "order-1", "--except", "order-2", *ONCE)
    assert [one["id"] for one in found["excepted"]] == ["order-1", "order-2"]
    assert found["instances"] == []


def test_a_store_that_cannot_be_read_is_unknown_and_ends_with_four(scene: Scene) -> None:
    scene.blue.problem = "the table service answered 403"
    found = scene.document("gate", "--slot", "staging", *ONCE, code=4)
    assert found["state"] == "unknown"
    assert "answered 403" in found["reason"]


def test_a_slot_that_is_not_deployed_or_that_azure_does_not_tell_is_unknown(scene: Scene) -> None:
    scene.site.slots[Slot.STAGING] = None
    assert "isn't deployed" in scene.document("gate", "--slot", "staging", code=4)["reason"]
    assert "no slot names the blue one" in scene.document("gate", "--store", "blue", code=4)["reason"]
    scene.site.error = LiveError("Azure answered 503")
    assert scene.document("gate", "--slot", "production", code=4) == {
        "outcome": "unknown",
        "reason": "Azure answered 503",
    }


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ((), "name one of"),
        (("--slot", "staging", "--store", "blue"), "name one of"),
        (("--slot", "staging", "--hub", "OrdersHub"), "--hub goes with"),
        (("--slot", "staging", "--package", f"sha256:{'1' * 64}"), "--package goes with --url"),
        (("--url", "https://shop", "--hub", "OrdersHub"), "--url takes --hub and --package"),
        (("--url", "https://shop", "--package", f"sha256:{'1' * 64}"), "--url takes --hub and --package"),
        (("--url", "https://shop", "--hub", "OrdersHub", "--package", "app.zip"), "--package takes sha256:"),
        (("--url", "https://shop", "--hub", "OrdersHub", "--package", "sha256:12"), "--package takes sha256:"),
        (("--slot", "middle"), "middle"),
        (("--slot", "staging", "--timeout=-1"), "or equal to 0"),
        (("--slot", "staging", "--poll", "0"), "polls every 0"),
    ],
)
def test_arguments_that_make_no_sense_end_with_two(scene: Scene, args: tuple[str, ...], says: str) -> None:
    done = scene.command("gate", *args)
    assert done.exit_code == 2
    assert says in " ".join(done.stderr.split())
    assert done.stdout == ""


def test_a_connection_needs_neither_stack_nor_config(scene: Scene) -> None:
    found = scene.document("gate", "--connection", "Elsewhere", code=4)
    assert "set Elsewhere" in found["reason"]
    assert scene.opened == []


@pytest.mark.parametrize(("active", "code", "state"), [([], 0, "drained"), ([("order-7", "Running")], 3, "busy")])
def test_an_app_whose_store_cannot_be_reached_is_asked_itself(
    scene: Scene, active: list[tuple[str, str]], code: int, state: str
) -> None:
    scene.environ[KEY_VARIABLE] = KEY
    site = Site(ok(a_status(*active)))
    with answering(site.answer) as url:
        asked = ("gate", "--url", url, "--hub", "OrdersHub", "--package", f"sha256:{SHA}", *ONCE)
        found = scene.document(*asked, code=code)
    assert found["state"] == state
    assert [one["id"] for one in found["instances"]] == [id_ for id_, _ in active]
    assert site.log[0].headers["x-functions-key"] == KEY
    assert scene.opened == []


def test_an_app_that_answers_for_another_package_opens_no_gate(scene: Scene) -> None:
    scene.environ[KEY_VARIABLE] = KEY
    with answering(Site(ok(a_status(package="f" * 64))).answer) as url:
        asked = ("gate", "--url", url, "--hub", "OrdersHub", "--package", f"sha256:{SHA}", *ONCE)
        found = scene.document(*asked, code=4)
    assert "package" in found["reason"]
    assert KEY not in found["reason"]


def test_an_app_is_not_asked_without_its_key(scene: Scene) -> None:
    asked = ("gate", "--url", "https://shop", "--hub", "OrdersHub", "--package", f"sha256:{SHA}", *ONCE)
    assert "key" in scene.document(*asked, code=4)["reason"]


def test_a_connection_string_without_a_key_is_unknown_and_not_repeated(scene: Scene) -> None:
    scene.environ["Elsewhere"] = f"AccountName=shop;SharedAccessSignature={SECRET}"
    for connection in ("Elsewhere", f"AccountName=shop;AccountKey={SECRET[:-3]}"):
        done = scene.command("gate", "--connection", connection, *ONCE, "--json")
        assert done.exit_code == 4
        assert SECRET[:-3] not in done.output


def test_bad_config_ends_with_one_and_names_the_key(scene: Scene) -> None:
    scene.configure(site="-bad-")
    found = scene.document("gate", "--slot", "staging", code=1)
    assert found["outcome"] == "error"
    assert "durable-zero-downtime:site" in found["reason"]


def test_ctrl_c_while_it_waits_ends_with_130(scene: Scene) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    scene.clock.sleep = interrupted  # type: ignore[method-assign, assignment]
    scene.blue.readings = [(order(1),)]
    found = scene.document("gate", "--slot", "staging", code=130)
    assert found == {"outcome": "interrupted", "reason": "Interrupted. Nothing was changed."}


def test_a_role_that_config_gives_is_waited_for_and_without_one_the_gate_ends_at_once(scene: Scene) -> None:
    scene.blue.denials = 3
    assert scene.document("gate", "--slot", "staging", code=4)["state"] == "unknown"
    assert scene.clock.slept == []
    scene.configure(readers={"users": ["0f8fad5b-d9cb-469f-a165-70867728950e"]})
    assert scene.document("gate", "--slot", "staging")["state"] == "drained"
