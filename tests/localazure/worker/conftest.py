"""A task hub of its own for each test, and workers that run small apps on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import pytest
from durabletask.client import OrchestrationState, TaskHubGrpcClient
from durabletask.grpc_options import GrpcChannelOptions
from durabletask.task import FailureDetails

from localazure.functions.process import WorkerProcess
from localazure.hubs.backend import HubBackend, Snapshot

MASTER, DEFAULT = "master-key", "default-key"
NO_RPC = "http://127.0.0.1:9/rpc/"
HEAD = """
    import azure.durable_functions as df
    import azure.functions as func
    from datetime import timedelta

    app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
"""


class NoLedger:
    """Keeps nothing."""

    def begin(self, snapshots: Iterable[Snapshot]) -> None: ...

    def changed(self, instance_id: str) -> None: ...

    def settle(self, instance_ids: Iterable[str]) -> None: ...


@dataclass(frozen=True)
class TaskHub:
    address: str
    client: TaskHubGrpcClient

    def run(self, name: str, given: Any = None) -> str:
        return str(self.client.schedule_new_orchestration(name, input=given))

    def status(self, instance_id: str) -> Any:
        """What it says of itself, None as long as it says nothing."""
        state = self.client.get_orchestration_state(instance_id)
        return None if state is None else json.loads(state.serialized_custom_status or "null")

    def failure(self, name: str, given: Any = None) -> FailureDetails:
        """What a new orchestration of this name fails with."""
        details = self.ended(self.run(name, given)).failure_details
        assert details is not None
        return details

    def ended(self, instance_id: str) -> OrchestrationState:
        """The instance once it has ended."""
        state = self.client.wait_for_orchestration_completion(instance_id, timeout=60)
        assert state is not None
        return state

    def result(self, name: str, given: Any = None) -> Any:
        """What a new orchestration of this name gives."""
        state = self.ended(self.run(name, given))
        assert state.failure_details is None, state.failure_details
        return json.loads(state.serialized_output or "null")


@dataclass(frozen=True)
class Worker:
    process: WorkerProcess
    port: int
    functions: list[dict[str, Any]]
    log: Path

    def ask(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        return httpx.request(method, f"http://127.0.0.1:{self.port}{path}", trust_env=False, **options)


Launch = Callable[..., Worker]


@pytest.fixture
def hub() -> Iterator[TaskHub]:
    with _hub() as hub:
        yield hub


@pytest.fixture(scope="module")
def shared_hub() -> Iterator[TaskHub]:
    """One for all tests of a module."""
    with _hub() as hub:
        yield hub


@pytest.fixture
def launch(hub: TaskHub, tmp_path: Path) -> Iterator[Launch]:
    """Starts a worker with an app's source, and has it join the hub; ends it after the test."""
    with _launching(hub, tmp_path) as begin:
        yield begin


@pytest.fixture(scope="module")
def shared_launch(shared_hub: TaskHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launch]:
    """The same on the module's hub, until the module's last test."""
    with _launching(shared_hub, tmp_path_factory.mktemp("apps")) as begin:
        yield begin


@contextmanager
def _hub() -> Iterator[TaskHub]:
    backend = HubBackend(NoLedger())
    address = backend.start()
    unlimited = GrpcChannelOptions(max_receive_message_length=-1, max_send_message_length=-1)
    client = TaskHubGrpcClient(host_address=address, channel_options=unlimited)
    yield TaskHub(address, client)
    client.close()
    backend.stop()


@contextmanager
def _launching(hub: TaskHub, folder: Path) -> Iterator[Launch]:
    started: list[WorkerProcess] = []

    def begin(
        source: str,
        *,
        settings: Mapping[str, str] | None = None,
        host_json: Mapping[str, Any] | None = None,
        join: bool = True,
    ) -> Worker:
        app = folder / f"app{len(started)}"
        app.mkdir()
        (app / "function_app.py").write_text(dedent(HEAD) + dedent(source))
        (app / "host.json").write_text(json.dumps({"version": "2.0", **(host_json or {})}))
        log = folder / f"worker{len(started)}.log"
        process = WorkerProcess(document(hub, app, settings or {}), log)
        started.append(process)
        ready = process.ready()
        if join:
            process.join()
        return Worker(process, ready.port, ready.functions, log)

    yield begin
    for process in started:
        process.kill()


def document(hub: TaskHub, folder: Path, settings: Mapping[str, str], rpc: str = NO_RPC) -> dict[str, Any]:
    """What a worker is told at its start."""
    return {
        "folder": str(folder),
        "settings": dict(settings),
        "site": "shop",
        "slot": "Production",
        "hub": {"name": "ShopHub", "address": hub.address},
        "rpc": rpc,
        "managementBase": "http://shop.example/runtime/webhooks/durabletask",
        "connectionName": "DurableManagementStorage",
        "managementKey": "system-key",
        "keys": {"master": MASTER, "default": DEFAULT, "durabletask_extension": "system-key"},
    }
