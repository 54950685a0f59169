"""`python -m localazure`, run as a person runs it: real processes, ports and signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from localazure.environment import Endpoints
from localazure.locks import is_held
from localazure.state import Ports, Server, State, listen
from tests.clients import resource_client, storage_client
from tests.localazure.conftest import GROUP as LOCAL_GROUP
from tests.localazure.conftest import Arm
from tests.localazure.functions.conftest import zipped
from tests.localazure.storage import MemoryStorage

REPOSITORY = Path(__file__).parents[3]
SECONDS = 60
GROUP, ACCOUNT, TABLE = "group", "survivor", "table"


@dataclass(frozen=True)
class Host:
    state: State

    def begin(
        self, command: str, *options: str, environ: Mapping[str, str] | None = None, python: str = sys.executable
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [python, "-m", "localazure", command, "--state", str(self.state.root), *options],
            cwd=REPOSITORY,
            env=None if environ is None else dict(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, *options: str, environ: Mapping[str, str] | None = None) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        with self.begin(command, *options, environ=environ) as process:
            output, errors = process.communicate(timeout=SECONDS)
        assert "Traceback" not in output + errors
        return process.returncode, output, errors

    def succeed(self, command: str, *options: str) -> str:
        code, output, errors = self.run(command, *options)
        assert (code, errors) == (0, ""), output + errors
        return output

    @property
    def endpoints(self) -> Endpoints:
        return Endpoints.of(self.state.ports())

    @property
    def pid(self) -> int:
        server = self.state.last_server()
        assert server is not None
        return server.pid

    def is_running(self) -> bool:
        return is_held(self.state.server_lock)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(State(tmp_path / "state"))
    yield made
    if made.is_running():
        made.succeed("stop")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One that runs and holds an account, for tests that change nothing."""
    made = Host(State(tmp_path_factory.mktemp("shared") / "state"))
    made.succeed("start", "--port", "0")
    try:
        make_account_with_a_table(made)
        yield made
    finally:
        made.succeed("stop")


def make_account_with_a_table(host: Host) -> None:
    with resource_client(host.endpoints.arm) as groups, storage_client(host.endpoints.arm) as accounts:
        groups.resource_groups.create_or_update(GROUP, {"location": "westeurope"})
        account: Any = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
        accounts.storage_accounts.begin_create(GROUP, ACCOUNT, account).result()
    with tables(host) as client:
        client.create_table(TABLE)


def tables(host: Host) -> TableServiceClient:
    """A client of the account's tables, by the address and the key that ARM gives."""
    with storage_client(host.endpoints.arm) as client:
        account = client.storage_accounts.get_properties(GROUP, ACCOUNT)
        keys = client.storage_accounts.list_keys(GROUP, ACCOUNT).keys_property
    assert account.primary_endpoints is not None
    assert account.primary_endpoints.table is not None
    assert keys is not None
    assert keys[0].value is not None
    credential = AzureNamedKeyCredential(ACCOUNT, keys[0].value)
    return TableServiceClient(account.primary_endpoints.table, credential=credential, retry_total=0)


def table_names(host: Host) -> list[str]:
    with tables(host) as client:
        return [table.name for table in client.list_tables()]


def test_it_starts_tells_where_it_is_and_stops(host: Host) -> None:
    assert host.run("status")[:2] == (1, f"Local Azure isn't running (state in {host.state.root}).\n")
    host.succeed("start", "--port", "0")
    health = httpx.get(f"{host.endpoints.arm}/localazure/health", trust_env=False)
    assert health.status_code == 200
    status = json.loads(host.succeed("status", "--json"))
    assert status["running"] is True
    assert status["pid"] == host.pid
    env = json.loads(host.succeed("env", "--json"))
    for name, address in vars(host.endpoints).items():
        assert status[f"{name}_endpoint"] == env[f"{name}_endpoint"] == address
    assert host.endpoints.blob in host.succeed("status")
    assert host.succeed("stop") == "Local Azure has stopped.\n"
    assert not host.is_running()
    assert not is_held(host.state.azurite_lock)
    assert Ports(host.state.ports().arm).taken() is None
    assert host.succeed("stop") == "Local Azure wasn't running.\n"


def test_a_start_right_after_kill_9_finds_resources_and_data_on_the_same_addresses(host: Host) -> None:
    host.succeed("start", "--port", "0")
    make_account_with_a_table(host)
    before = host.endpoints
    os.kill(host.pid, signal.SIGKILL)
    host.succeed("start")
    assert host.endpoints == before
    assert table_names(host) == [TABLE]


def test_a_server_that_was_killed_is_not_running(host: Host) -> None:
    host.state.root.mkdir()
    host.state.remember(Server(os.getpid(), Ports.free()))
    assert host.run("status")[0] == 1
    assert host.succeed("stop") == "Local Azure wasn't running.\n"


def test_a_second_start_says_that_it_runs_and_changes_nothing(shared: Host) -> None:
    pid = shared.pid
    assert shared.succeed("start").startswith("Local Azure runs already:")
    assert shared.succeed("start", "--port", "0").startswith("Local Azure runs already:")
    code, _, errors = shared.run("start", "--port", str(Ports.free().arm))
    assert code == 1
    assert "stop it first" in errors
    assert shared.pid == pid


def test_status_counts_resources_by_type(shared: Host) -> None:
    assert json.loads(shared.succeed("status", "--json"))["resources"] == {
        "Microsoft.Resources/resourceGroups": 1,
        "Microsoft.Storage/storageAccounts": 1,
    }
    assert "Microsoft.Storage/storageAccounts" in shared.succeed("status")


def test_status_tells_of_workers_and_why_one_does_not_start(host: Host, tmp_path: Path) -> None:
    host.succeed("start", "--port", "0")
    with closing(Arm(host.endpoints.arm, MemoryStorage(), tmp_path)) as arm:
        arm.make_group()
        arm.make_account("packages")
        arm.make_site()
        key = arm.accounts.storage_accounts.list_keys(LOCAL_GROUP, "packages").keys_property[0].value
        credential = {"account_name": "packages", "account_key": key}
        with BlobServiceClient(f"{host.endpoints.blob}/packages", credential) as blobs:
            blob = blobs.create_container("zips").upload_blob("app.zip", zipped({}))
            url = blob.url
        arm.put_settings({"WEBSITE_RUN_FROM_PACKAGE": f"{url}?sig=x"})
        assert arm.site("shop", "/api").status_code == 503
    (worker,) = json.loads(host.succeed("status", "--json"))["workers"]
    assert (worker["site"], worker["slot"], worker["standing"]) == ("shop", "production", "failed")
    assert worker["problem"] == "No app setting is the connection Store; set Store."
    printed = host.succeed("status")
    assert "set Store." in printed
    assert "Task hubs: none." in printed


def test_events_are_told(shared: Host) -> None:
    assert json.loads(shared.succeed("events", "--json")) == {"events": []}
    assert shared.succeed("events", "--site", "none", "--after", "3") == "Events: none.\n"


def test_two_starts_at_once_start_one_server_and_both_succeed(host: Host) -> None:
    with host.begin("start", "--port", "0", "--json") as one, host.begin("start", "--port", "0", "--json") as other:
        answers = [json.loads(process.communicate(timeout=SECONDS)[0]) for process in (one, other)]
    assert sorted(answer.pop("started") for answer in answers) == [False, True]
    assert answers[0] == answers[1]


def test_resources_and_data_survive_a_stop_on_the_same_addresses(host: Host) -> None:
    host.succeed("start", "--port", "0")
    make_account_with_a_table(host)
    before = host.endpoints
    host.succeed("stop")
    host.succeed("start")
    assert host.endpoints == before
    assert table_names(host) == [TABLE]


@pytest.mark.parametrize("service", ["arm", "blob", "queue", "table"])
def test_a_taken_port_is_named_with_the_way_out_and_nothing_is_left_running(host: Host, service: str) -> None:
    ports = Ports.free()
    with closing(listen(ports.all[service])):
        code, _, errors = host.run("start", "--port", str(ports.arm))
    assert code == 1
    assert f"Port {ports.all[service]} is in use by another program" in errors
    assert "--port" in errors
    assert not host.is_running()
    assert not is_held(host.state.azurite_lock)


def test_free_ports_are_chosen_anew_when_the_remembered_ones_are_taken(host: Host) -> None:
    host.succeed("start", "--port", "0")
    first = host.state.ports()
    host.succeed("stop")
    with closing(listen(first.queue)):
        host.succeed("start", "--port", "0")
    assert host.state.ports() != first


def test_without_node_start_says_what_to_install(host: Host, tmp_path: Path) -> None:
    environ = {**os.environ, "PATH": str(tmp_path)}
    code, _, errors = host.run("start", "--port", "0", environ=environ)
    assert code == 1
    assert "install Node.js 18 or newer" in errors
    assert not host.is_running()


def test_reset_forgets_resources_data_and_stacks_but_not_the_ports_and_starts_again(host: Host) -> None:
    host.succeed("start", "--port", "0")
    make_account_with_a_table(host)
    before = host.endpoints
    stack = host.state.backend / ".pulumi" / "stacks" / "dev.json"
    stack.parent.mkdir(parents=True)
    stack.touch()
    plugins = sorted(host.state.pulumi_home.rglob("*"))
    output = host.succeed("reset")
    assert "arm.sqlite" in output
    assert "started again" in output
    assert host.endpoints == before
    assert not stack.exists()
    assert sorted(host.state.pulumi_home.rglob("*")) == plugins
    assert json.loads(host.succeed("status", "--json"))["resources"] == {}
    make_account_with_a_table(host)
    host.succeed("stop")
    assert "started" not in host.succeed("reset")
    assert not host.is_running()


def test_events_of_a_stopped_local_azure_cannot_be_told(host: Host) -> None:
    code, _, errors = host.run("events")
    assert code == 1
    assert "isn't running" in errors


@pytest.mark.parametrize(
    "options", [["start", "--port", "many"], ["start", "--port", "70000"], ["begin"], ["env", "--yaml"]]
)
def test_bad_usage_exits_with_2(host: Host, options: list[str]) -> None:
    code, _, errors = host.run(*options)
    assert code == 2
    assert errors


def test_a_broken_server_file_is_named_with_the_repair(host: Host) -> None:
    host.state.root.mkdir()
    host.state.server.write_text("{")
    for command in ("env", "start", "status"):
        code, _, errors = host.run(command)
        if command != "status":
            assert code == 1
            assert "Delete it" in errors
    host.state.server.unlink()


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, errors = Host(State(tmp_path / "file" / "state")).run("start")
    assert code == 1
    assert f"can't use {tmp_path / 'file'}" in errors


def test_any_python_goes_on_under_the_repositorys_venv(host: Host) -> None:
    python = shutil.which("python3", path=os.defpath) or str(Path(sys.executable).resolve())
    with host.begin("env", "--json", python=python) as process:
        output, errors = process.communicate(timeout=SECONDS)
    assert errors == ""
    assert json.loads(output) == json.loads(host.succeed("env", "--json"))


def test_without_a_venv_the_message_says_to_run_setup(tmp_path: Path) -> None:
    package = tmp_path / "localazure"
    package.mkdir()
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(REPOSITORY / "localazure" / name, package)
    command = [sys.executable, "-m", "localazure", "start"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stderr == "Local Azure's Python packages aren't installed: run `make setup` first.\n"
