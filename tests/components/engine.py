"""A stand-in for the engine: it answers as Azure would, and keeps what a program declares."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import pulumi
from google.protobuf import empty_pb2, json_format
from pulumi.runtime import get_root_resource, mocks, rpc, settings

SUBSCRIPTION = "/subscriptions/5ab5c21b-0000-4000-8000-000000000000"
KEY = "a2V5IG9mIGFuIGFjY291bnQ="


@dataclass(frozen=True)
class Declared:
    """A resource as it was declared: inputs as plain values, and the paths of those that are secret."""

    type: str
    name: str
    urn: str
    parent: str
    inputs: Mapping[str, Any]
    secrets: frozenset[str]
    options: Any
    """The request to the engine, for options such as `protect`."""

    @property
    def after(self) -> frozenset[str]:
        """The names of the resources that this one waits for, by dependency of any kind."""
        return frozenset(urn.rpartition("::")[2] for urn in self.options.dependencies)


class _Lines(logging.Handler):
    """Appends each message to a list."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


@dataclass
class Run:
    """What one run of a program declared and exported."""

    resources: list[Declared] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    hooks: dict[str, pulumi.ResourceHook] = field(default_factory=dict)
    component_outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    invokes: list[str] = field(default_factory=list)
    """The tokens of the functions that the program called, in order."""

    @property
    def logger(self) -> logging.Logger:
        """A logger of its own that writes into `log`."""
        made = logging.Logger("run")
        made.addHandler(_Lines(self.log))
        return made

    def one(self, type_: str, name: str | None = None) -> Declared:
        """The only resource of a type, given without `azure-native:`, or the one with that logical name."""
        found = [r for r in self.resources if r.type.removeprefix("azure-native:") == type_ and name in (None, r.name)]
        assert len(found) == 1, [f"{r.type} {r.name}" for r in self.resources]
        return found[0]

    def children(self, component: str) -> list[tuple[str, str]]:
        """Type and name of what has this component, given by name, as its parent."""
        return [(r.type, r.name) for r in self.resources if r.parent.rpartition("::")[2] == component]


class ProviderError(grpc.RpcError):
    """What the provider answers to an invoke that it can't serve."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._text = text

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return self._text


NOT_FOUND = ProviderError('Status=404 Code="ResourceNotFound" Message="The site was not found."')

NO_CONTAINER = ProviderError('Status=404 Code="ContainerNotFound" Message="The container does not exist."')

Claims = Mapping[str, Mapping[str, str] | ProviderError]
"""The metadata of containers, or the provider's error, by name; one that isn't there isn't made."""

Live = Mapping[str, Mapping[str, str] | ProviderError]
"""What a slot's app settings are, or the provider's error, by slot; a slot that isn't there isn't deployed."""


def run(
    program: Callable[[], object],
    live: Live | None = None,
    *,
    preview: bool = False,
    operations: Sequence[str] = (),
    claims: Claims | None = None,
) -> Run:
    """Run a program, wait for all that it declares, and say what that was.

    `operations` are in progress on the site, one at each look, and then none is. `claims` are in accounts that there
    are; without them there are none.
    """
    done = Run()
    azure = _Azure(live or {}, operations, claims)

    def body() -> pulumi.Output[Any]:
        program()
        return pulumi.Output.from_input(dict(getattr(get_root_resource(), "outputs", {}))).apply(done.outputs.update)

    with _loop_of_thread():
        monitor = _Monitor(azure, done)
        pulumi.runtime.set_mocks(azure, "durable-zero-downtime", "test", preview, done.logger, monitor)
        settings.SETTINGS.callbacks = _Callbacks(done)
        pulumi.runtime.test(body)()  # type: ignore[no-untyped-call]
    return done


@contextlib.contextmanager
def _loop_of_thread() -> Iterator[None]:
    """An event loop that is closed afterwards: Pulumi's mocks make one for each thread and leave it open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _Azure(mocks.Mocks):
    """Outputs as ARM gives them for what the program reads."""

    def __init__(self, live: Live, operations: Sequence[str], claims: Claims | None) -> None:
        self._live = live
        self._claims = claims
        self._operations = list(operations)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        inputs = dict(args.inputs)
        if "identity" in inputs:
            # The identities of a site go in as a list and come out as a map.
            assigned = inputs["identity"]["userAssignedIdentities"]
            inputs["identity"] = inputs["identity"] | {"userAssignedIdentities": {id_: {} for id_ in assigned}}
        name = inputs.get("accountName") or inputs.get("name") or inputs.get("resourceName") or args.name
        extra: dict[str, Any] = {"name": name}
        match args.typ:
            case "azure-native:storage:StorageAccount":
                services = ("blob", "queue", "table")
                extra["primaryEndpoints"] = {s: f"https://{name}.{s}.core.windows.net/" for s in services}
            case "azure-native:web:WebApp":
                extra["defaultHostName"] = f"{name}.azurewebsites.net"
            case "azure-native:web:WebAppSlot":
                extra["defaultHostName"] = f"{name}-{inputs['slot']}.azurewebsites.net"
            case "azure-native:managedidentity:UserAssignedIdentity":
                extra |= {"principalId": "a-principal", "clientId": "a-client"}
            case "azure-native:applicationinsights:Component":
                extra["connectionString"] = "InstrumentationKey=a-key"
        return f"{SUBSCRIPTION}/{args.typ}/{args.name}", inputs | extra

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        listed = {
            "azure-native:web:listWebAppApplicationSettings": "production",
            "azure-native:web:listWebAppApplicationSettingsSlot": "staging",
        }
        if args.token == "azure-native:web:getWebApp":
            if not self._live:
                raise NOT_FOUND
            pending = self._operations.pop(0) if self._operations else None
            return {"id": "/site", "name": "site", "inProgressOperationId": pending}, []
        if args.token in listed:
            found = self._live.get(listed[args.token], NOT_FOUND)
            if isinstance(found, ProviderError):
                raise found
            return {"id": "/config/appsettings", "name": "appsettings", "type": "config", "properties": found}, []
        if args.token in {"azure-native:storage:getBlobContainer", "azure-native:storage:getStorageAccount"}:
            return self._storage(dict(args.args)), []
        assert args.token == "azure-native:storage:listStorageAccountKeys"
        return {"keys": [{"keyName": "key1", "permissions": "Full", "value": KEY, "creationTime": ""}]}, []

    def _storage(self, args: Mapping[str, str]) -> dict[str, Any]:
        """An account, or a container in one."""
        if self._claims is None:
            raise NOT_FOUND
        account, container = args["accountName"], args.get("containerName")
        if container is None:
            endpoints = {s: f"https://{account}.{s}.core.windows.net/" for s in ("blob", "queue", "table")}
            return {"id": f"/accounts/{account}", "name": account, "primaryEndpoints": endpoints}
        found = self._claims.get(container, NO_CONTAINER)
        if isinstance(found, ProviderError):
            raise found
        return {"id": f"/containers/{container}", "name": container, "metadata": found}


class _Callbacks:
    """Keeps the hooks in place of the server that the engine would call them at."""

    def __init__(self, done: Run) -> None:
        self._done = done

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        self._done.hooks[hook.name] = hook


class _Monitor(mocks.MockMonitor):
    """Keeps the requests themselves, since only they tell options and secrets."""

    def __init__(self, azure: _Azure, done: Run) -> None:
        super().__init__(azure)
        self.done = done

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (gRPC's name)
        with _loop_of_thread():
            answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        wire = json_format.MessageToDict(request.object)
        secrets: set[str] = set()
        inputs = _plain(wire, "", secrets)
        self.done.resources.append(
            Declared(request.type, request.name, answer.urn, request.parent, inputs, frozenset(secrets), request)
        )
        return answer

    def Invoke(self, request: Any) -> Any:  # noqa: N802 (gRPC's name)
        self.done.invokes.append(request.tok)
        with _loop_of_thread():
            return super().Invoke(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 (gRPC's name)
        wire = json_format.MessageToDict(request.outputs)
        self.done.component_outputs[request.urn.rpartition("::")[2]] = _plain(wire, "", set())
        return empty_pb2.Empty()


def _plain(value: Any, path: str, secrets: set[str]) -> Any:
    """A value without the wire's secret wrappers; where one was is added to `secrets`."""
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            secrets.add(path)
            return _plain(value["value"], path, secrets)
        return {key: _plain(item, f"{path}.{key}".lstrip("."), secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, f"{path}[{index}]", secrets) for index, item in enumerate(value)]
    return value
