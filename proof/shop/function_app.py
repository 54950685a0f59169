"""A shop whose code is another one in each version: `version.py`, which proof/versions.py writes, says in what.

Each step's result names the version that did it, and each orchestration's output the version that ended it, so an
instance that two versions have run can be told by its output alone.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from version import DELIVERY, STEPS, VERSION, WAITS_FIRST

EVENT = "Approval"
FAILURES = 2
"""How often a step fails before it is done, in an orchestration that tries it again."""

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
failed: dict[str, int] = {}
failing = threading.Lock()

Steps = Generator[Any, Any, dict[str, Any]]


@app.route(route="start/{kind}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """POST {"id", "seconds", "rounds", "takes"}: starts an orchestration with this id, and answers with its URLs."""
    given = json.loads(req.get_body())
    wanted = {**given, "startedBy": VERSION}
    instance_id = await client.start_new(req.route_params["kind"], given["id"], wanted)
    return client.create_check_status_response(req, instance_id)


@app.route(route="manage/{id}", methods=["GET"])
@app.durable_client_input(client_name="client")
async def manage(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The URLs of an orchestration at the host name that was asked."""
    urls = client.create_http_management_payload(req.route_params["id"])
    return func.HttpResponse(json.dumps(urls), mimetype="application/json")


@app.route(route="version", methods=["GET"])
def version(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
    return func.HttpResponse(json.dumps({"version": VERSION}), mimetype="application/json")


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext) -> Steps:
    """One step after the other."""
    done = []
    for step in STEPS:
        done.append((yield call(context, step)))
    return ended(context, done)


@app.orchestration_trigger(context_name="context")
def fan(context: df.DurableOrchestrationContext) -> Steps:
    """Many at once, and then all together."""
    first = yield call(context, STEPS[0])
    many = yield context.task_all([call(context, STEPS[1]) for _ in range(context.get_input()["rounds"])])
    last = yield call(context, STEPS[2])
    return ended(context, [first, *many, last])


@app.orchestration_trigger(context_name="context")
def nested(context: df.DurableOrchestrationContext) -> Steps:
    """Orchestrations within one, whose name changes with the version."""
    first = yield call(context, STEPS[0])
    given = context.get_input()
    inner = [context.call_sub_orchestrator(DELIVERY, given, f"{context.instance_id}-{number}") for number in range(2)]
    delivered = yield context.task_all(inner)
    last = yield call(context, STEPS[1])
    return ended(context, [first, *(step for each in delivered for step in each["steps"]), last])


@app.function_name(DELIVERY)
@app.orchestration_trigger(context_name="context")
def delivery(context: df.DurableOrchestrationContext) -> Steps:
    first = yield call(context, STEPS[3])
    yield rest(context, context.get_input()["seconds"] / 2)
    last = yield call(context, STEPS[2])
    return ended(context, [first, last])


@app.orchestration_trigger(context_name="context")
def timer(context: df.DurableOrchestrationContext) -> Steps:
    """Waits for minutes; every other version waits before the first step."""
    seconds = context.get_input()["seconds"]
    if WAITS_FIRST:
        yield rest(context, seconds)
    first = yield call(context, STEPS[0])
    if not WAITS_FIRST:
        yield rest(context, seconds)
    last = yield call(context, STEPS[1])
    return ended(context, [first, last])


@app.orchestration_trigger(context_name="context")
def event(context: df.DurableOrchestrationContext) -> Steps:
    """Waits for somebody, for as long as it takes."""
    first = yield call(context, STEPS[0])
    told = yield context.wait_for_external_event(EVENT)
    last = yield call(context, STEPS[1])
    return {**ended(context, [first, last]), "told": told}


@app.orchestration_trigger(context_name="context")
def approval(context: df.DurableOrchestrationContext) -> Steps:
    """Waits for somebody, but not for ever."""
    first = yield call(context, STEPS[1])
    told = context.wait_for_external_event(EVENT)
    deadline = rest(context, context.get_input()["seconds"])
    winner = yield context.task_any([told, deadline])
    if winner == told:
        deadline.cancel()
    last = yield call(context, STEPS[2 if winner == told else 3])
    return {**ended(context, [first, last]), "told": told.result if winner == told else None}


@app.orchestration_trigger(context_name="context")
def retry(context: df.DurableOrchestrationContext) -> Steps:
    """A step that fails at first."""
    first = yield call(context, STEPS[0])
    options = df.RetryOptions(first_retry_interval_in_milliseconds=200, max_number_of_attempts=8)
    second = yield context.call_activity_with_retry(f"try_{STEPS[1]}", options, context.instance_id)
    return ended(context, [first, second])


@app.orchestration_trigger(context_name="context")
def rounds(context: df.DurableOrchestrationContext) -> Steps:
    """Begins anew after each round, as an eternal orchestration does; this one ends some day."""
    given = context.get_input()
    round_ = given.get("round", 0)
    done = [*given.get("done", ()), (yield call(context, STEPS[round_ % len(STEPS)]))]
    if round_ + 1 == given["rounds"]:
        return ended(context, done)
    yield rest(context, given["seconds"] / given["rounds"])
    context.continue_as_new({**given, "round": round_ + 1, "done": done})
    return ended(context, done)


@app.orchestration_trigger(context_name="context")
def status(context: df.DurableOrchestrationContext) -> Steps:
    """Says how far it has come."""
    done = []
    for number, step in enumerate(STEPS[:3], 1):
        done.append((yield call(context, step)))
        context.set_custom_status({"version": VERSION, "done": number})
        yield rest(context, context.get_input()["seconds"] / 3)
    return ended(context, done)


@app.orchestration_trigger(context_name="context")
def entity(context: df.DurableOrchestrationContext) -> Steps:
    """Counts in an entity."""
    shelf = df.EntityId("shelf", context.instance_id)
    first = yield call(context, STEPS[2])
    yield context.call_entity(shelf, "add", 2)
    yield context.call_entity(shelf, "add", 3)
    counted = yield context.call_entity(shelf, "get")
    last = yield call(context, STEPS[0])
    return {**ended(context, [first, last]), "told": counted}


@app.entity_trigger(context_name="context")
def shelf(context: df.DurableEntityContext) -> None:
    count = context.get_state(lambda: 0)
    if context.operation_name == "add":
        count += context.get_input()
        context.set_state(count)
    context.set_result(count)


def call(context: df.DurableOrchestrationContext, step: str) -> Any:
    return context.call_activity(step, context.get_input()["takes"])


def rest(context: df.DurableOrchestrationContext, seconds: float) -> Any:
    return context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))


def ended(context: df.DurableOrchestrationContext, done: list[dict[str, Any]]) -> dict[str, Any]:
    return {"startedBy": context.get_input()["startedBy"], "endedBy": VERSION, "steps": done}


def stamp(step: str) -> dict[str, Any]:
    return {"step": step, "version": VERSION}


def activity(step: str) -> Callable[[float], dict[str, Any]]:
    """A step that takes some seconds."""

    def work(takes: float) -> dict[str, Any]:
        time.sleep(takes)
        return stamp(step)

    return work


def trial(step: str) -> Callable[[str], dict[str, Any]]:
    """A step that fails at first, in each process anew."""

    def work(order: str) -> dict[str, Any]:
        with failing:
            failed[order] = failed.get(order, 0) + 1
            if failed[order] <= FAILURES:
                raise RuntimeError(f"{step} isn't ready")
        return stamp(step)

    return work


for each in STEPS:
    app.function_name(each)(app.activity_trigger(input_name="takes")(activity(each)))
    app.function_name(f"try_{each}")(app.activity_trigger(input_name="order")(trial(each)))

logging.getLogger(__name__).info("version %s", VERSION)
