from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest

from localazure.errors import LocalAzureError
from localazure.state import DEFAULT_ROOT, HOST, Ports, Server, State, listen


def test_the_state_folder_is_the_option_else_the_variable_else_the_repositorys_own(tmp_path: Path) -> None:
    option, variable = tmp_path / "option", {"LOCALAZURE_STATE": str(tmp_path / "variable")}
    assert State.locate(option, variable).root == option
    assert State.locate(None, variable).root == tmp_path / "variable"
    assert State.locate(None, {"LOCALAZURE_STATE": ""}).root == DEFAULT_ROOT
    assert State.locate(None, {}).root == DEFAULT_ROOT


def test_the_default_state_folder_does_not_depend_on_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert State.locate(None, {}).root == Path(__file__).parents[3] / ".localazure"


def test_a_relative_state_folder_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert State.locate(Path("here"), {}).root == tmp_path / "here"


def test_ports_are_the_default_ones_before_the_first_start_and_remembered_after_it(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert state.last_server() is None
    assert state.ports().all == {"arm": 10400, "blob": 10401, "queue": 10402, "table": 10403}
    state.remember(Server(17, Ports(20000)))
    assert State(tmp_path).last_server() == Server(17, Ports(20000))
    assert State(tmp_path).ports() == Ports(20000)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"pid": 1, "ports": {"arm": "x"}}'])
def test_a_server_file_that_is_broken_is_named_with_the_repair(tmp_path: Path, content: str) -> None:
    state = State(tmp_path)
    state.server.write_text(content)
    with pytest.raises(LocalAzureError, match=r"server\.json can't be read.*Delete it"):
        state.ports()


@pytest.mark.parametrize("port", [-1, 0, 65_533, 70_000])
def test_a_port_that_cannot_hold_four_in_a_row_is_refused(port: int) -> None:
    with pytest.raises(LocalAzureError, match=str(port)):
        Ports(port)


def test_free_ports_can_all_be_listened_on() -> None:
    for port in Ports.free().all.values():
        listen(port).close()


def test_answers_are_sent_without_the_delay_of_nagles_algorithm() -> None:
    # asyncio looks at the protocol of an accepted connection, which is that of its listener.
    with closing(listen(Ports.free().arm)) as listener:
        assert listener.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize("service", ["arm", "blob", "queue", "table"])
def test_a_port_on_which_somebody_listens_is_taken(service: str) -> None:
    ports = Ports.free()
    assert ports.taken() is None
    with closing(socket.create_server((HOST, ports.all[service]))):
        assert ports.taken() == ports.all[service]
