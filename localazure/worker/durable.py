"""The app's part in its task hub: its orchestrators, activities and entities on the durabletask SDK's worker."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Generator
from typing import Any

from azure.durable_functions.models.DurableEntityContext import DurableEntityContext
from azure.durable_functions.models.utils.df_serialization import df_dumps, df_loads
from durabletask import task as dt
from durabletask.entities import EntityContext
from durabletask.serialization import DataConverter
from durabletask.worker import ConcurrencyOptions, TaskHubGrpcWorker

from localazure.worker.app import App, Function, Kind
from localazure.worker.context import run
from localazure.worker.loop import Loop
from localazure.worker.start import Start

_QUIET = logging.getLogger("durabletask")
_QUIET.setLevel(logging.WARNING)
"""It has a line for each step of each orchestration."""


class Converter(DataConverter):
    """Values as azure-functions-durable writes them, custom objects included."""

    def serialize(self, value: Any) -> str | None:
        return None if value is None else df_dumps(value)

    def deserialize(self, data: str | None, target_type: type | None = None) -> Any:
        return df_loads(data, expected_type=target_type) if data else None

    def coerce(self, value: Any, target_type: type | None = None) -> Any:
        return value if target_type is None else df_loads(df_dumps(value), expected_type=target_type)


class Durable:
    """An app that takes work from its hub once it has joined it."""

    def __init__(self, start: Start, app: App, loop: Loop) -> None:
        self._address = start.address
        self._app = app
        self._loop = loop
        self._worker: TaskHubGrpcWorker | None = None

    def join(self) -> None:
        """Begin to take work; nothing to do for an app without a hub."""
        if self._address is None or self._worker is not None:
            return
        options = ConcurrencyOptions(maximum_concurrent_activity_work_items=self._app.activities_at_once)
        self._worker = TaskHubGrpcWorker(
            host_address=self._address,
            data_converter=Converter(),
            concurrency_options=options,
            emit_trace_spans=False,
            logger=_QUIET,
        )
        for function in self._app.of(Kind.ORCHESTRATOR):
            self._worker.add_orchestrator(_named(function, _orchestrator(function)))
        for function in self._app.of(Kind.ACTIVITY):
            self._worker.add_activity(_named(function, _activity(function, self._loop)))
        for function in self._app.of(Kind.ENTITY):
            self._worker.add_entity(_named(function, _entity(function)))
        self._worker.start()  # type: ignore[no-untyped-call]


def client_document(start: Start) -> str:
    """What the binding of a Durable client gives: the hub, and the addresses to manage its instances by."""
    query = f"taskHub={start.hub}&connection={start.connection}&code={start.management_key}"
    instance = f"{start.management}/instances/INSTANCEID"
    creation = f"{start.management}/orchestrators/{{functionName}}[/{{instanceId}}]?code={start.management_key}"
    return json.dumps(
        {
            "taskHubName": start.hub,
            "creationUrls": {
                "createNewInstancePostUri": creation,
                "createAndWaitOnNewInstancePostUri": f"{creation}&timeout={{timeoutInSeconds}}",
            },
            "managementUrls": {
                "id": "INSTANCEID",
                "statusQueryGetUri": f"{instance}?{query}",
                "sendEventPostUri": f"{instance}/raiseEvent/{{eventName}}?{query}",
                "terminatePostUri": f"{instance}/terminate?reason={{text}}&{query}",
                "rewindPostUri": f"{instance}/rewind?reason={{text}}&{query}",
                "purgeHistoryDeleteUri": f"{instance}?{query}",
                "restartPostUri": f"{instance}/restart?{query}",
                "suspendPostUri": f"{instance}/suspend?reason={{text}}&{query}",
                "resumePostUri": f"{instance}/resume?reason={{text}}&{query}",
            },
            "baseUrl": start.management,
            "requiredQueryStringParameters": query,
            "rpcBaseUrl": start.rpc,
        }
    )


def _named(function: Function, call: Callable[..., Any]) -> Callable[..., Any]:
    call.__name__ = function.name
    return call


def _orchestrator(function: Function) -> Callable[..., Any]:
    def orchestrator(backend: dt.OrchestrationContext, given: Any) -> Generator[dt.Task[Any], Any, Any]:
        return run(function.call, backend, given)

    return orchestrator


def _activity(function: Function, loop: Loop) -> Callable[..., Any]:
    def activity(_: dt.ActivityContext, given: Any) -> Any:
        result = function.call(**{function.parameter: given})
        return loop.begin(result).result() if inspect.iscoroutine(result) else result

    return activity


def _entity(function: Function) -> Callable[..., Any]:
    def entity(backend: EntityContext, given: Any) -> Any:
        state = backend.get_state()
        context = DurableEntityContext(backend.entity_id.entity, backend.entity_id.key, state is not None, state)
        # The SDK sets these two itself, before each operation of a batch, and reads the rest after it.
        context._operation = backend.operation
        context._input = json.dumps(df_dumps(given))
        function.call(context)
        backend.set_state(context._state if context._exists else None)
        return context._result

    return entity
