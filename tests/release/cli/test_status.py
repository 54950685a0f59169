from __future__ import annotations

from durable.stores import Slot
from release.swap import AccessError
from tests.release.cli.fakes import BLUE, GREEN, NEW, OLD, Scene, order, slot


def test_status_tells_both_slots_their_stores_and_the_next_step(scene: Scene) -> None:
    scene.blue.readings = [(order(1),)]
    found = scene.document("status", "--stack", "prod")
    assert scene.opened == ["prod"]
    assert (found["stack"], found["resourceGroup"], found["site"]) == ("dev", "orders-rg", "orders")
    production, staging = found["slots"]["production"], found["slots"]["staging"]
    assert production["gate"].pop("state") == "drained"
    assert {key: value for key, value in production.items() if key != "gate"} == {
        "holds": "release",
        "store": "green",
        "storageAccount": GREEN,
        "taskHub": "OrdersHub",
        "package": NEW,
        "version": "2.0",
        "problem": "",
    }
    assert (staging["package"], staging["storageAccount"]) == (OLD, BLUE)
    assert staging["gate"]["active"] == 1
    assert found["plan"] == [f"Plan: nothing to do, production runs package {NEW[:12]} (2.0) on green ({GREEN})"]
    assert found["refusal"] == ""


def test_status_tells_what_the_next_up_would_do_with_the_zip_of_the_config(scene: Scene) -> None:
    sha256 = scene.zip("app.zip")
    scene.configure(package="app.zip")
    plan = scene.document("status")["plan"]
    assert plan[1].startswith("  1. wait until staging's orchestrations on blue")
    assert f"stage package {sha256[:12]}" in plan[2]


def test_status_says_why_the_next_up_would_stop(scene: Scene) -> None:
    scene.configure(package="nowhere.zip")
    found = scene.document("status")
    assert found["plan"] == []
    assert "there is no such file" in found["refusal"]

    scene.site.slots[Slot.STAGING] = slot(GREEN, OLD)
    scene.configure(package=f"sha256:{NEW}")
    assert "Both slots have their task hub in" in scene.document("status")["refusal"]


def test_status_tells_of_a_slot_that_is_unclear_or_not_deployed_and_of_a_store_that_is_unknown(scene: Scene) -> None:
    scene.site.slots[Slot.STAGING] = slot("strangers", OLD)
    scene.green.problem = "the table service answered 403"
    slots = scene.document("status")["slots"]
    assert slots["staging"]["holds"] == "unclear"
    assert "strangers" in slots["staging"]["problem"]
    assert slots["production"]["gate"]["state"] == "unknown"

    scene.site.slots[Slot.STAGING] = None
    assert scene.document("status")["slots"]["staging"]["holds"] == "not deployed"


def test_status_for_a_person_is_a_table_and_the_plan(scene: Scene) -> None:
    scene.blue.readings = [(order(1), order(2))]
    shown = scene.command("status").stdout
    rows = [line.split() for line in shown.splitlines()]
    assert ["production", NEW[:12], "2.0", "green", f"({GREEN})", "OrdersHub", "0"] in rows
    assert ["staging", OLD[:12], "blue", f"({BLUE})", "OrdersHub", "2"] in rows
    assert "Plan: nothing to do" in shown


def test_slots_that_cannot_be_read_end_with_four(scene: Scene) -> None:
    scene.site.error = AccessError("This run's login has no right to read")
    assert scene.document("status", code=4)["outcome"] == "unknown"
