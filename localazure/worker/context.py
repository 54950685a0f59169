"""The context that an orchestrator of azure-functions-durable works with, on an orchestration of the durabletask SDK.

An orchestrator yields tasks of the one kind, and this hands durabletask the other kind: user code stays as it is, and
whether its decisions agree with the history is for durabletask to say.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from azure.durable_functions.decorators.metadata import ActivityTrigger, OrchestrationTrigger
from azure.durable_functions.models.RetryOptions import RetryOptions
from azure.durable_functions.models.Task import TaskState
from azure.durable_functions.models.utils.df_serialization import df_loads
from azure.durable_functions.models.utils.entity_utils import EntityId
from azure.durable_functions.models.utils.type_discovery import activity_output_type, sub_orchestrator_output_type
from azure.functions.decorators.function_app import FunctionBuilder
from durabletask import task as dt
from durabletask.entities import EntityInstanceId, EntityOperationFailedException

from localazure.worker.app import Function
from localazure.worker.values import Raw

Schedule: TypeAlias = Callable[[], dt.Task[Any]]


class Task:
    """A task as user code sees it. It is scheduled when it is first yielded, alone or in another one, as in Azure."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._scheduled: dt.Task[Any] | None = None

    @property
    def on_backend(self) -> dt.Task[Any]:
        if self._scheduled is None:
            self._scheduled = self._schedule()
        return self._scheduled

    @property
    def is_completed(self) -> bool:
        return self._scheduled is not None and self._scheduled.is_complete

    @property
    def state(self) -> TaskState:
        if not self.is_completed:
            return TaskState.RUNNING
        return TaskState.FAILED if self.on_backend.is_failed else TaskState.SUCCEEDED

    @property
    def result(self) -> Any:
        """What it gave, or the exception that it failed with; None as long as it runs."""
        if not self.is_completed:
            return None
        return _failure(self.on_backend.get_exception()) if self.on_backend.is_failed else self.value

    @property
    def value(self) -> Any:
        """What an orchestrator gets that yields this task, once it has succeeded."""
        return self.on_backend.get_result()


class TimerTask(Task):
    """A timer, which can be cancelled until it fires."""

    is_cancelled = False

    @property
    def is_completed(self) -> bool:
        return super().is_completed and not self.is_cancelled

    def cancel(self) -> None:
        if self.is_completed:
            raise ValueError("Cannot cancel a completed task.")
        self.is_cancelled = True
        timer = self._scheduled
        if isinstance(timer, dt.TimerTask):
            timer.cancel()


class AllTask(Task):
    """Completes with the results of all; with None, and at once, if there are none."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self.children = list(tasks)
        super().__init__(
            lambda: dt.when_all([child.on_backend for child in self.children]) if self.children else _nothing()
        )

    @property
    def value(self) -> Any:
        return [child.value for child in self.children] or None


class AnyTask(Task):
    """Completes with the task that completes first; with None, and at once, if there are none."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self.children = list(tasks)
        super().__init__(
            lambda: dt.when_any([child.on_backend for child in self.children]) if self.children else _nothing()
        )

    @property
    def value(self) -> Any:
        winner = self.on_backend.get_result()
        return next((child for child in self.children if child.on_backend is winner), None)


class Context:
    """What azure.durable_functions.DurableOrchestrationContext offers, as far as it runs here."""

    def __init__(self, function: Function, backend: dt.OrchestrationContext, given: Raw | None) -> None:
        self._function = function
        self._backend = backend
        self._given = given
        self._custom_status: Any = None
        self._continues = False

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"function {self._function.name} uses context.{name}, which local Azure doesn't run")

    @property
    def instance_id(self) -> str:
        return self._backend.instance_id

    @property
    def parent_instance_id(self) -> str | None:
        return self._backend.parent_instance_id

    @property
    def version(self) -> str | None:
        return self._backend.version

    @property
    def is_replaying(self) -> bool:
        return self._backend.is_replaying

    @property
    def current_utc_datetime(self) -> datetime:
        return self._backend.current_utc_datetime.replace(tzinfo=UTC)

    @property
    def custom_status(self) -> Any:
        return self._custom_status

    @property
    def will_continue_as_new(self) -> bool:
        return self._continues

    def set_custom_status(self, status: Any) -> None:
        self._custom_status = status
        self._backend.set_custom_status(status)

    def get_input(self, expected_type: type | None = None) -> Any:
        wanted = expected_type or self._function.input_type
        return None if self._given is None else df_loads(self._given, expected_type=wanted)

    def new_uuid(self) -> str:
        return self._backend.new_uuid()

    def new_guid(self) -> UUID:
        return UUID(self._backend.new_uuid())

    def call_activity(self, name: Any, input_: Any = None, expected_type: type | None = None) -> Task:
        return self._call_activity(name, input_, None, expected_type)

    def call_activity_with_retry(
        self, name: Any, retry_options: RetryOptions, input_: Any = None, expected_type: type | None = None
    ) -> Task:
        return self._call_activity(name, input_, retry_options, expected_type)

    def call_sub_orchestrator(
        self,
        name: Any,
        input_: Any = None,
        instance_id: str | None = None,
        version: str | None = None,
        expected_type: type | None = None,
    ) -> Task:
        return self._call_sub_orchestrator(name, input_, instance_id, version, None, expected_type)

    def call_sub_orchestrator_with_retry(
        self,
        name: Any,
        retry_options: RetryOptions,
        input_: Any = None,
        instance_id: str | None = None,
        version: str | None = None,
        expected_type: type | None = None,
    ) -> Task:
        return self._call_sub_orchestrator(name, input_, instance_id, version, retry_options, expected_type)

    def create_timer(self, fire_at: datetime) -> TimerTask:
        return TimerTask(lambda: self._backend.create_timer(fire_at))

    def wait_for_external_event(self, name: str, expected_type: type | None = None) -> Task:
        return Task(lambda: self._backend.wait_for_external_event(name, data_type=expected_type))

    def task_all(self, activities: list[Task]) -> Task:
        return AllTask(activities)

    def task_any(self, activities: list[Task]) -> Task:
        return AnyTask(activities)

    def call_entity(
        self,
        entityId: EntityId,  # noqa: N803 - the SDK's names
        operationName: str,  # noqa: N803
        operationInput: Any = None,  # noqa: N803
        expected_type: type | None = None,
    ) -> Task:
        return Task(
            lambda: self._backend.call_entity(
                _entity(entityId), operationName, operationInput, return_type=expected_type
            )
        )

    def signal_entity(self, entityId: EntityId, operationName: str, operationInput: Any = None) -> None:  # noqa: N803
        self._backend.signal_entity(_entity(entityId), operationName, operationInput)

    def continue_as_new(self, input_: Any) -> None:
        self._continues = True
        self._backend.continue_as_new(input_)

    def _call_activity(self, name: Any, given: Any, retry: RetryOptions | None, result: type | None) -> Task:
        called, wanted = _name(name, ActivityTrigger), result or activity_output_type(name)
        return Task(
            lambda: self._backend.call_activity(called, input=given, retry_policy=_policy(retry), return_type=wanted)
        )

    def _call_sub_orchestrator(
        self,
        name: Any,
        given: Any,
        instance_id: str | None,
        version: str | None,
        retry: RetryOptions | None,
        result: type | None,
    ) -> Task:
        called, wanted = _name(name, OrchestrationTrigger), result or sub_orchestrator_output_type(name)
        return Task(
            lambda: self._backend.call_sub_orchestrator(
                called,
                input=given,
                instance_id=instance_id,
                version=version,
                retry_policy=_policy(retry),
                return_type=wanted,
            )
        )


def run(function: Function, backend: dt.OrchestrationContext, given: Raw | None) -> Generator[dt.Task[Any], Any, Any]:
    """Drive a user's orchestrator: a generator of its tasks, as durabletask's tasks."""
    context = Context(function, backend, given)
    steps = function.call(context)
    if not isinstance(steps, Generator):
        return steps
    try:
        awaited = next(steps)
        # Nothing counts after the call that has it begin anew.
        while not context.will_continue_as_new:
            if not isinstance(awaited, Task):
                raise TypeError(f"function {function.name} yielded {type(awaited).__name__}, no task of its context")
            task = awaited.on_backend
            if not task.is_complete:
                # The SDK goes on when it ends, and throws its failure here.
                with suppress(dt.TaskFailedError):
                    yield task
            awaited = steps.throw(_failure(task.get_exception())) if task.is_failed else steps.send(awaited.value)
    except StopIteration as end:
        return end.value
    return None


def _failure(error: dt.TaskFailedError) -> Exception:
    """What user code catches: azure-functions-durable has no type of its own for it.

    An entity's error comes as it was raised, that of a function with what failed in front.
    """
    inner = error.details.inner_failure
    of_entity = error.details.error_type.endswith(EntityOperationFailedException.__name__)
    return Exception(inner.message if of_entity and inner is not None else str(error))


def _nothing() -> dt.Task[None]:
    done = dt.CompletableTask[None]()
    done.complete(None)
    return done


def _name(function: Any, trigger: type[ActivityTrigger | OrchestrationTrigger]) -> str:
    """The name of a function that is called by itself, or by its name."""
    if isinstance(function, str):
        return function
    if not isinstance(function, FunctionBuilder):
        raise ValueError(f"{function!r} has no trigger: call a function by its name, or as its decorator gives it")
    name = str(function._function.get_function_name())
    if not isinstance(function._function.get_trigger(), trigger):
        raise ValueError(f"the function {name} has no {trigger.__name__}")
    return name


def _entity(entity: EntityId) -> EntityInstanceId:
    return EntityInstanceId(entity.name, entity.key)


def _policy(retry: RetryOptions | None) -> dt.RetryPolicy | None:
    if retry is None:
        return None
    first = timedelta(milliseconds=retry.first_retry_interval_in_milliseconds)
    return dt.RetryPolicy(first_retry_interval=first, max_number_of_attempts=retry.max_number_of_attempts)
