from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from durable.stores import Slot
from release.cli.project import Run
from release.endings import Ending
from release.journal import Stop
from release.swap import LiveError
from tests.release.cli.fakes import BLUE, NEW, OLD, Scene, order, slot, uploaded


def test_stage_stops_before_the_swap_and_deploy_goes_on_with_the_config_for_that_run_only(scene: Scene) -> None:
    keys = dict(scene.project.keys)
    scene.document("stage")
    scene.document("deploy")
    assert scene.project.ups == [{"promote": "manual"}, {"promote": "auto"}]
    assert scene.project.keys == keys


def test_options_take_the_place_of_config_key_by_key(scene: Scene, tmp_path: Path) -> None:
    args = ("--package", "app.zip", "--timeout", "1.5", "--except", "order-1", "--drain", "after-swap")
    scene.document("deploy", *args, "--policy-pack", "rules")
    (up,) = scene.project.ups
    assert up["gate"] == {"timeout": 1.5, "steady": 2.0, "poll": 1.0, "except": ["order-1"]}
    assert up["drain"] == "after-swap"
    assert up["package"] == str(Path("app.zip").absolute())
    assert scene.project.packs == (str(Path("rules").absolute()),)
    assert tmp_path.is_dir()


@pytest.mark.parametrize(
    ("command", "before", "runs"),
    [
        ("rollback", "released", OLD),
        ("rollback", "rolled back", OLD),
        ("promote", "staged", NEW),
        ("promote", "released", NEW),
    ],
)
def test_a_promotion_and_a_roll_back_ask_for_the_same_package_before_and_after_their_swap(
    scene: Scene, command: str, before: str, runs: str
) -> None:
    if before != "released":
        scene.swap()
    scene.document(command)
    assert scene.project.ups == [{"promote": "auto", "package": f"sha256:{runs}"}]


def test_a_package_that_is_named_is_the_one_that_production_is_to_run(scene: Scene) -> None:
    sha256 = scene.zip("app.zip")
    scene.site.packages.stored = []
    scene.document("promote", "--package", f"sha256:{OLD}")
    scene.document("rollback", "--package", str(scene.folder / "app.zip"))
    assert [up["package"] for up in scene.project.ups] == [f"sha256:{OLD}", f"sha256:{sha256}"]


@pytest.mark.parametrize("stored", [[], [uploaded(OLD, 1)], [uploaded(OLD, 1), uploaded(NEW, 1)]])
def test_where_storage_does_not_tell_the_way_back_it_is_asked_for(scene: Scene, stored: list[Any]) -> None:
    scene.site.packages.stored = stored
    found = scene.document("rollback", code=4)
    assert found["outcome"] == "refused"
    assert f"rollback --package sha256:{OLD}" in found["reason"]
    assert scene.project.ups == []


def test_there_is_no_way_back_from_a_first_release(scene: Scene) -> None:
    scene.site.slots[Slot.STAGING] = slot(BLUE, None)
    for command, way_out in (("rollback", "the zip of before"), ("promote", "python -m release stage")):
        found = scene.document(command, code=4)
        assert "staging has no package" in found["reason"]
        assert way_out in found["reason"]
    assert scene.project.ups == []


def test_after_a_roll_back_the_command_says_what_keeps_it(scene: Scene) -> None:
    def swapped() -> Run:
        scene.swap()
        return Run(("Plan:", "  1. swap"))

    scene.project.run = swapped
    keep = f"pulumi config set durable-zero-downtime:package sha256:{OLD} --stack dev"
    done = scene.command("rollback")
    assert done.exit_code == 0
    assert keep in done.stdout
    assert f"production package {OLD[:12]} on blue" in " ".join(done.stdout.split())

    scene.swap()
    found = scene.document("rollback")
    assert found["keep"] == keep
    assert found["plan"] == ["Plan:", "  1. swap"]
    assert found["slots"]["production"]["package"] == OLD
    assert found["slots"]["staging"]["package"] == NEW


def test_nothing_is_to_be_kept_where_config_asks_for_what_production_runs(scene: Scene) -> None:
    assert scene.document("promote")["keep"] == ""
    scene.configure(package=f"sha256:{OLD}")
    assert scene.document("stage")["keep"] == ""
    assert "sha256" in scene.document("deploy")["keep"]


STOPS = [
    (Stop(Ending.BUSY, "1 active in ordersblue", (order(1),)), 3),
    (Stop(Ending.UNKNOWN, "the table service answered 403"), 4),
    (Stop(Ending.REFUSED, "Both slots have their task hub in ordersblue"), 4),
    (Stop(Ending.ERROR, "the stack is currently locked by 1 lock(s)"), 1),
    (Stop(Ending.INTERRUPTED, "Interrupted."), 130),
]


@pytest.mark.parametrize(("stop", "code"), STOPS)
@pytest.mark.parametrize("command", ["stage", "deploy", "promote", "rollback"])
def test_a_run_that_stops_ends_with_its_code_its_words_and_its_instances(
    scene: Scene, command: str, stop: Stop, code: int
) -> None:
    scene.project.run = lambda: Run(("Plan:",), stop)
    found = scene.document(command, code=code)
    assert (found["command"], found["outcome"], found["reason"]) == (command, stop.ending, stop.reason)
    assert [one["id"] for one in found["instances"]] == [one.id for one in stop.instances]
    assert found["keep"] == ""

    done = scene.command(command)
    assert done.exit_code == code
    assert stop.reason in done.stderr
    assert "done" not in done.stdout


def test_what_the_run_tells_goes_to_stderr_without_keys(scene: Scene) -> None:
    scene.project.told = ("Plan:\n  1. wait", "AccountKey=c2VjcmV0;EndpointSuffix=x [bold]")
    done = scene.command("deploy", "--json")
    assert done.stderr.splitlines() == ["Plan:", "  1. wait", "AccountKey=***;EndpointSuffix=x [bold]"]


def test_a_run_is_told_as_it_ended_even_if_the_slots_cannot_be_read_afterwards(scene: Scene) -> None:
    def lost() -> Run:
        scene.site.error = LiveError("Azure answered 503")
        return Run()

    scene.project.run = lost
    found = scene.document("deploy")
    assert (found["outcome"], found["slots"]) == ("done", None)


@pytest.mark.parametrize("args", [("--package", "sha256:12"), ("--drain", "never"), ("--timeout", "1", "--poll", "0")])
def test_arguments_that_make_no_sense_end_with_two_and_start_nothing(scene: Scene, args: tuple[str, ...]) -> None:
    assert scene.command("deploy", *args).exit_code == 2
    assert scene.project.ups == []


def test_ctrl_c_ends_with_130_and_a_document(scene: Scene) -> None:
    def interrupted() -> Run:
        raise KeyboardInterrupt

    scene.project.run = interrupted
    assert scene.document("deploy", code=130)["outcome"] == "interrupted"
