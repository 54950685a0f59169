"""The sample app: what it registers, and what its orchestrations do, one step after the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import azure.functions as func
import pytest

from durable.host_json import read_host_json
from tests.functions import sample

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SMALL = {"item": "lamp", "quantity": 2, "total": 80}
LARGE = SMALL | {"total": 5000}

Start = Callable[["Context"], Generator[Any, Any, Any]]


@dataclass
class Wait:
    """What an orchestrator waits for: an activity, an event, a timer, or the first of several."""

    what: str
    result: Any = None
    is_completed: bool = False
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Context:
    """An orchestration's context as far as the sample uses it; keeps what was asked of it."""

    order: Mapping[str, Any] | None = None
    current_utc_datetime: datetime = NOW
    waits: list[Wait] = field(default_factory=list)

    def get_input(self) -> Any:
        return self.order

    def call_activity(self, name: str, _: Any) -> Wait:
        return self._wait(name)

    def wait_for_external_event(self, name: str) -> Wait:
        return self._wait(f"event {name}")

    def create_timer(self, until: datetime) -> Wait:
        return self._wait(f"timer {until - NOW}")

    def task_any(self, waits: list[Wait]) -> Wait:
        return Wait(" or ".join(wait.what for wait in waits))

    def _wait(self, what: str) -> Wait:
        self.waits.append(Wait(what))
        return self.waits[-1]

    def the(self, what: str) -> Wait:
        return next(wait for wait in self.waits if wait.what.startswith(what))


@pytest.fixture(scope="module")
def shop() -> ModuleType:
    return sample.module("function_app")


@pytest.fixture(scope="module")
def functions(shop: ModuleType) -> dict[str, Any]:
    """What the app registers, by name."""
    return sample.functions(shop)


@pytest.fixture
def fulfil(functions: dict[str, Any]) -> Start:
    """Starts the generator that Durable Functions drives."""
    start: Start = functions["fulfil_order"].get_user_function().orchestrator_function
    return start


def finish(orchestration: Generator[Any, Any, Any], *results: Any) -> Any:
    """Answer each wait in turn; the last answer must make the orchestration return."""
    *before, last = results
    for result in before:
        orchestration.send(result)
    with pytest.raises(StopIteration) as end:
        orchestration.send(last)
    return end.value.value


def test_the_app_has_starters_orchestrators_and_activities(functions: dict[str, Any]) -> None:
    assert {name: function.get_trigger().type for name, function in functions.items()} == {
        "StatusCheck": "httpTrigger",
        "start_order": "httpTrigger",
        "start_stocktaking": "timerTrigger",
        "fulfil_order": "orchestrationTrigger",
        "take_stock": "orchestrationTrigger",
        "reserve_stock": "activityTrigger",
        "release_stock": "activityTrigger",
        "charge_customer": "activityTrigger",
        "ship_order": "activityTrigger",
        "count_shelves": "activityTrigger",
    }


def test_a_small_order_is_reserved_charged_and_shipped(fulfil: Start) -> None:
    context = Context(SMALL)
    assert finish(fulfil(context), None, None, "receipt", "parcel") == {
        "state": "shipped",
        "receipt": "receipt",
        "parcel": "parcel",
    }
    assert [wait.what for wait in context.waits] == ["reserve_stock", "charge_customer", "ship_order"]


def test_a_large_order_waits_three_days_for_approval_and_then_goes_on(fulfil: Start) -> None:
    context = Context(LARGE)
    orchestration = fulfil(context)
    orchestration.send(None)
    assert orchestration.send(None).what == "event Approval or timer 3 days, 0:00:00"
    approval = context.the("event Approval")
    approval.result = True
    orchestration.send(approval)
    assert context.the("timer").cancelled
    assert finish(orchestration, "receipt", "parcel")["state"] == "shipped"


@pytest.mark.parametrize("answer", ["no", "too late"])
def test_a_large_order_without_approval_gives_its_stock_back(fulfil: Start, answer: str) -> None:
    context = Context(LARGE)
    orchestration = fulfil(context)
    orchestration.send(None)
    orchestration.send(None)
    approval, deadline = context.the("event Approval"), context.the("timer")
    approval.result = answer == "too late"
    deadline.is_completed = answer == "too late"
    orchestration.send(approval if answer == "no" else deadline)
    assert finish(orchestration, None) == {"state": "refused"}
    assert [wait.what for wait in context.waits if "charge" in wait.what] == []
    assert deadline.cancelled is (answer == "no")


def test_an_order_by_http_starts_an_orchestration_and_answers_with_its_status(functions: dict[str, Any]) -> None:
    started: list[tuple[str, Any]] = []

    class Client:
        async def start_new(self, name: str, client_input: Any) -> str:
            started.append((name, client_input))
            return "an-id"

        def create_check_status_response(self, _: func.HttpRequest, instance_id: str) -> func.HttpResponse:
            return func.HttpResponse(instance_id, status_code=202)

    start = functions["start_order"].get_user_function().client_function

    def post(body: bytes) -> func.HttpResponse:
        answer: func.HttpResponse = asyncio.run(start(func.HttpRequest("POST", "/api/orders", body=body), Client()))
        return answer

    answer = post(json.dumps(SMALL).encode())
    assert (answer.status_code, answer.get_body(), started) == (202, b"an-id", [("fulfil_order", SMALL)])
    assert post(b"no json").status_code == 400
    assert len(started) == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "must be JSON"),
        (b"[]", '"item"'),
        (b'{"total": 1}', '"item"'),
        (b'{"item": "lamp"}', '"total"'),
        (b'{"item": "lamp", "total": 0}', '"total"'),
        (b'{"item": "lamp", "total": true}', '"total"'),
        (b'{"item": "lamp", "total": 1, "quantity": "two"}', '"quantity"'),
    ],
)
def test_a_body_that_is_no_order_is_refused_with_what_is_wrong(shop: ModuleType, body: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        shop.read_order(body)


def test_an_order_has_a_quantity_of_one_unless_it_says_more(shop: ModuleType) -> None:
    assert shop.read_order(b'{"item": "lamp", "total": 80, "more": 1}') == {"item": "lamp", "quantity": 1, "total": 80}


def test_host_json_names_hub_and_connection_as_durable_2_wants_them() -> None:
    settings = read_host_json((sample.FUNCTIONS / "host.json").read_text())
    assert settings.hub_name == "OrdersHub"
    assert settings.connection_name == "DurableManagementStorage"
    assert settings.ignored == ()
    assert settings.ambiguous == ()
