from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine import __main__ as command
from engine import choose
from engine.errors import BuildError


@pytest.fixture
def arguments(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    given = ["engine"]
    monkeypatch.setattr("sys.argv", given)
    return given


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> choose.Engine:
    engine = choose.Engine(Path("/opt/pulumi"), Path("/opt/pulumi/pulumi"), "3.260.1", official=True)
    monkeypatch.setattr(command, "ensure", lambda *_: engine)
    return engine


@pytest.mark.usefixtures("arguments", "found")
def test_the_engine_in_use_is_printed_as_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main() == 0
    assert capsys.readouterr().out == "Pulumi 3.260.1, installed: /opt/pulumi/pulumi\n"


@pytest.mark.usefixtures("found")
def test_the_engine_in_use_is_printed_as_json(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    arguments.append("--json")
    assert command.main() == 0
    assert json.loads(capsys.readouterr().out) == {
        "bin": "/opt/pulumi",
        "pulumi": "/opt/pulumi/pulumi",
        "version": "3.260.1",
        "official": True,
    }


@pytest.mark.usefixtures("arguments")
def test_a_failure_is_a_message_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise BuildError("`go build` ended with code 1")

    monkeypatch.setattr(command, "ensure", fail)
    assert command.main() == 1
    assert capsys.readouterr() == ("", "`go build` ended with code 1\n")


@pytest.mark.usefixtures("arguments")
def test_an_interrupted_build_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "ensure", interrupt)
    assert command.main() == 130
    assert capsys.readouterr().err == "Stopped. The next run goes on from what Go has cached.\n"
