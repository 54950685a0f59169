from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import engine
from localazure import environment
from localazure.environment import Environment, proxy_exceptions
from localazure.errors import LocalAzureError
from localazure.state import DEFAULT_ROOT, Ports, Server, State

PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def engine_folder(monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path("/engine it's/bin")
    found = engine.Engine(folder, folder / "pulumi", "3.259.0", official=False)
    monkeypatch.setattr(engine, "locate", lambda: found)
    return folder


def variables_of_a_shell(exports: str) -> dict[str, str]:
    """What a POSIX shell exports after it has evaluated the lines."""
    script = 'eval "$1"; env -0'
    shell = subprocess.run(
        ["sh", "-euc", script, "sh", exports], env={"PATH": os.environ["PATH"]}, capture_output=True, check=True
    )
    return dict(line.split("=", 1) for line in shell.stdout.decode().split("\0") if line)


def test_a_shell_gets_exactly_the_variables_that_the_json_tells(tmp_path: Path) -> None:
    state = State(tmp_path / 'it\'s $HOME; `a` "b"')
    made = Environment.of(state)
    shell = variables_of_a_shell(made.exports())
    assert {name: shell[name] for name in made.variables} == made.as_json()["environment"] == made.variables
    assert shell["PULUMI_HOME"] == str(state.pulumi_home)
    assert shell["LOCALAZURE_STATE"] == str(state.root)
    assert shell["PULUMI_CONFIG_PASSPHRASE"] == ""


def test_the_engine_in_use_comes_first_on_path_then_the_venv_then_what_was_there(
    tmp_path: Path, engine_folder: Path
) -> None:
    made = Environment.of(State(tmp_path))
    venv = Path(__file__).parents[3] / ".venv" / "bin"
    assert made.as_json()["path"] == [str(engine_folder), str(venv)]
    assert variables_of_a_shell(made.exports())["PATH"] == f"{engine_folder}:{venv}:{os.environ['PATH']}"


def test_without_an_engine_only_the_venv_is_put_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "locate", lambda: None)
    assert Environment.of(State(tmp_path)).as_json()["path"] == [str(Path(__file__).parents[3] / ".venv" / "bin")]


def test_an_engine_that_cannot_be_had_is_an_error_for_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locate() -> None:
        raise engine.EngineError("no engine: install it")

    monkeypatch.setattr(engine, "locate", locate)
    with pytest.raises(LocalAzureError, match="no engine: install it"):
        Environment.of(State(tmp_path))


def test_addresses_are_those_of_the_remembered_ports(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.remember(Server(1, Ports(20000)))
    answer = Environment.of(state).as_json()
    assert answer["arm_endpoint"] == answer["site_endpoint"] == "http://127.0.0.1:20000"
    assert answer["blob_endpoint"] == "http://127.0.0.1:20001"
    assert answer["queue_endpoint"] == "http://127.0.0.1:20002"
    assert answer["table_endpoint"] == "http://127.0.0.1:20003"
    assert answer["environment"]["ARM_METADATA_HOSTNAME"] == answer["arm_endpoint"]


def test_the_backend_url_is_a_file_url_of_the_state_folder(tmp_path: Path) -> None:
    answer = Environment.of(State(tmp_path)).as_json()
    assert answer["backend_url"] == answer["environment"]["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/backend"


def test_the_default_state_folder_needs_no_variable() -> None:
    assert "LOCALAZURE_STATE" not in Environment(State(DEFAULT_ROOT), environment.Endpoints.of(Ports()), ()).variables


def test_telling_the_environment_makes_no_files(tmp_path: Path) -> None:
    Environment.of(State(tmp_path / "state")).as_json()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"no_proxy": "a"}, None),
        ({"https_proxy": "http://p"}, None),
        ({"http_proxy": "http://p"}, "127.0.0.1,localhost"),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "a,localhost"}, "a,localhost,127.0.0.1"),
    ],
)
def test_loopback_is_never_asked_through_a_proxy(environ: dict[str, str], expected: str | None) -> None:
    exceptions = {} if expected is None else {"NO_PROXY": expected, "no_proxy": expected}
    assert proxy_exceptions(environ) == exceptions
