"""The program as a command drives it, with a stand-in for `pulumi`."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from durable.connections import redacted
from release.cli.engine import EngineError
from release.cli.project import PulumiProject, Run
from release.drain import State, Verdict
from release.endings import Ending
from release.guard import RefusedError
from release.journal import VARIABLE, write_plan, write_stop
from release.swap import LiveError
from tests.release.cli.fakes import order

REPOSITORY = Path(__file__).resolve().parents[3]
STUB = Path(__file__).with_name("pulumi_stub.py")
CONFIG = "config:\n  azure-native:location: westeurope # near\n"

TIMEOUT = 60
"""Seconds after which a process counts as hung; it takes about two."""

DRIVER = """
import pathlib, sys
from release.cli.project import PulumiProject
project = PulumiProject(pathlib.Path(sys.argv[1]), "dev", lambda: print("interrupted", flush=True))
print(project.up({}, (), print).stop.ending.value)
"""


class Stub:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "Pulumi.dev.yaml").write_text(CONFIG)
        (folder / "bin").mkdir()
        command = folder / "bin" / "pulumi"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STUB}" "$@"\n')
        command.chmod(0o755)

    @property
    def asked(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "asked").read_text().splitlines()]

    @property
    def journal(self) -> dict[str, str]:
        return {VARIABLE: str(self.folder / "journal")}

    def open(self, stack: str | None = "dev") -> PulumiProject:
        return PulumiProject(self.folder, stack, lambda: None)

    def up(self, **once: Any) -> Run:
        return self.open().up(once, (), lambda _: None)


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("STUB_FOLDER", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    return Stub(tmp_path)


def test_config_is_read_as_texts(stub: Stub) -> None:
    assert stub.open().config() == {"durable-zero-downtime:site": "orders"}


def test_an_up_has_its_own_config_and_leaves_the_stack_s_file_and_the_selection_alone(stub: Stub) -> None:
    run = stub.up(promote="manual", gate={"timeout": 0.5})
    assert run == Run()
    before, _, after = (stub.folder / "config").read_text().partition(CONFIG)
    assert before == ""
    assert json.loads(after) == {
        "durable-zero-downtime:promote": {"value": "manual", "objectValue": None},
        "durable-zero-downtime:gate": {"value": '{"timeout": 0.5}', "objectValue": {"timeout": 0.5}},
    }
    assert (stub.folder / "Pulumi.dev.yaml").read_text() == CONFIG
    (up,) = [args for args in stub.asked if args[0] == "up"]
    assert not Path(up[up.index("--config-file") + 1]).exists()
    assert up[up.index("--stack") + 1] == "dev"
    assert not any("select" in args or "--config" in args for args in stub.asked)


def test_a_stack_without_a_config_file_is_none_the_worse(stub: Stub) -> None:
    (stub.folder / "Pulumi.dev.yaml").unlink()
    assert stub.up().stop is None
    assert (stub.folder / "config").read_text() == ""


def test_the_selected_stack_is_taken_where_none_is_named(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUB_SELECTED", "organization/app/dev")
    project = stub.open(None)
    assert project.stack == "organization/app/dev"
    project.up({}, (), lambda _: None)
    assert (stub.folder / "config").read_text() == CONFIG


def test_the_packages_in_the_state_are_told_by_their_blobs(stub: Stub) -> None:
    package = "a" * 64
    blobs = [
        {"type": "azure-native:storage:Blob", "inputs": {"blobName": name}} for name in (f"{package}.zip", "x.txt")
    ]
    others = [{"type": "pulumi:pulumi:Stack"}, {"type": "other", "inputs": {"blobName": f"{'b' * 64}.zip"}}]
    (stub.folder / "state").write_text(json.dumps({"version": 3, "deployment": {"resources": blobs + others}}))
    assert stub.open().packages() == {package}
    (stub.folder / "state").write_text(json.dumps({"version": 3, "deployment": {}}))
    assert stub.open().packages() == frozenset()


def test_what_pulumi_answers_is_told_by_no_error(stub: Stub) -> None:
    (stub.folder / "bin" / "pulumi").write_text(
        "#!/bin/sh\n[ $1 = version ] && echo v3.259.0 && exit\necho hush; exit 3\n"
    )
    with pytest.raises(EngineError, match="exit code 3") as raised:
        stub.open().config()
    assert "hush" not in str(raised.value)


def test_without_a_stack_the_option_is_named(stub: Stub) -> None:
    with pytest.raises(EngineError, match=r"no stack selected.*--stack"):
        stub.open(None)


def test_a_stop_that_the_program_told_goes_before_the_engine_s_words(stub: Stub) -> None:
    (stub.folder / "stderr").write_text("error: update failed\n")
    write_plan(["Plan:"], stub.journal)
    write_stop(RefusedError("1 active", Verdict(State.BUSY, "a", active=(order(1),))), environ=stub.journal)
    run = stub.up()
    assert run.plan == ("Plan:",)
    assert run.stop is not None
    assert (run.stop.ending, run.stop.reason, run.stop.instances) == (Ending.BUSY, "1 active", (order(1),))


def test_of_two_stops_all_words_are_told_and_the_graver_one_counts(stub: Stub) -> None:
    (stub.folder / "stderr").write_text("error: update failed\n")
    write_stop(LiveError("503"), environ=stub.journal)
    write_stop(RefusedError("1 active", Verdict(State.BUSY, "a")), environ=stub.journal)
    write_stop(LiveError("503"), environ=stub.journal)
    stop = stub.up().stop
    assert stop is not None
    assert (stop.ending, stop.reason) == (Ending.UNKNOWN, "503\n1 active")


def test_a_stop_of_a_run_that_went_well_in_the_end_is_none(stub: Stub) -> None:
    write_stop(LiveError("503"), environ=stub.journal)
    assert stub.up().stop is None


def test_else_the_engine_s_own_words_are_told_without_keys(stub: Stub) -> None:
    text = "the stack is currently locked by 1 lock(s); AccountKey=aHVzaA=="
    (stub.folder / "stderr").write_text(f"error: {text}\n")
    stop = stub.up().stop
    assert stop is not None
    assert (stop.ending, stop.reason) == (Ending.ERROR, redacted(text))


def test_where_pulumi_is_missing_it_is_said_how_to_get_it(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(stub.folder))
    with pytest.raises(EngineError, match="install Pulumi"):
        stub.open()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_handed_on_and_the_end_of_the_engine_awaited(stub: Stub, number: signal.Signals) -> None:
    os.mkfifo(stub.folder / "ready")
    ready = os.open(stub.folder / "ready", os.O_RDONLY | os.O_NONBLOCK)
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(stub.folder)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    try:
        assert select.select([ready], [], [], TIMEOUT)[0], "pulumi was never started"
    finally:
        os.close(ready)
        process.send_signal(number)
    out, _ = process.communicate(timeout=TIMEOUT)
    assert out.splitlines() == ["interrupted", "interrupted"]
    assert process.returncode == 0
