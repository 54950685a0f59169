"""Orchestrations of the Python v2 model run unmodified, each by what it gives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localazure.worker.conftest import Launch, TaskHub

ACTIVITIES = """
    @app.activity_trigger(input_name="number")
    def add_one(number: int) -> int:
        return number + 1

    @app.activity_trigger(input_name="number")
    async def double(number: int) -> int:
        return number * 2

    @app.activity_trigger(input_name="_")
    def fails(_: str) -> None:
        raise ValueError("no way")

    tries = {}

    @app.activity_trigger(input_name="key")
    def third_time(key: str) -> int:
        tries[key] = tries.get(key, 0) + 1
        if tries[key] < 3:
            raise RuntimeError("not yet")
        return tries[key]
"""
ORCHESTRATORS = """
    @app.orchestration_trigger(context_name="context")
    def chain(context):
        first = yield context.call_activity("add_one", context.get_input())
        second = yield context.call_activity(double, first)
        return [first, second]

    @app.orchestration_trigger(context_name="context")
    def fan_out(context):
        results = yield context.task_all([context.call_activity("double", n) for n in range(5)])
        return results

    @app.orchestration_trigger(context_name="context")
    def parent(context):
        child = yield context.call_sub_orchestrator("chain", 1)
        other = yield context.call_sub_orchestrator_with_retry(fan_out, df.RetryOptions(10, 2))
        return {"child": child, "other": other}

    @app.orchestration_trigger(context_name="context")
    def caught(context):
        try:
            yield context.call_activity("fails", "")
        except Exception as error:
            return str(error)

    @app.orchestration_trigger(context_name="context")
    def retried(context):
        count = yield context.call_activity_with_retry("third_time", df.RetryOptions(10, 3), context.instance_id)
        return count

    @app.orchestration_trigger(context_name="context")
    def again(context):
        round = context.get_input() or 0
        yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=20))
        if round < 3:
            context.continue_as_new(round + 1)
            return None
        return round

    @app.orchestration_trigger(context_name="context")
    def counted(context):
        counter = df.EntityId("counter", context.instance_id)
        context.signal_entity(counter, "add", 2)
        yield context.call_entity(counter, "add", 3)
        total = yield context.call_entity(counter, "get")
        return total

    @app.entity_trigger(context_name="context")
    def counter(context):
        total = context.get_state(lambda: 0)
        if context.operation_name == "add":
            total += context.get_input()
        context.set_state(total)
        context.set_result(total)

    @app.orchestration_trigger(context_name="context")
    def at_once(context):
        return context.get_input()

    @app.orchestration_trigger(context_name="context")
    def same_id(context):
        before = context.new_uuid()
        yield context.call_activity("add_one", 1)
        return [before == context.new_uuid(), context.is_replaying, context.parent_instance_id]

    @app.orchestration_trigger(context_name="context")
    def approval(context):
        context.set_custom_status("waits")
        event = context.wait_for_external_event("Approval")
        deadline = context.create_timer(context.current_utc_datetime + timedelta(seconds=context.get_input()))
        winner = yield context.task_any([event, deadline])
        if winner == event:
            deadline.cancel()
            return {"approved": event.result, "late": deadline.is_completed}
        return "too late"

    @app.orchestration_trigger(context_name="context")
    def wrong(context):
        yield 5
"""


@pytest.mark.parametrize(
    ("name", "given", "result"),
    [
        ("chain", 1, [2, 4]),
        ("fan_out", None, [0, 2, 4, 6, 8]),
        ("parent", None, {"child": [2, 4], "other": [0, 2, 4, 6, 8]}),
        ("retried", None, 3),
        ("again", None, 3),
        ("counted", None, 5),
        ("at_once", {"a": ["b", 1]}, {"a": ["b", 1]}),
        ("same_id", None, [False, False, None]),
        ("approval", 0.05, "too late"),
    ],
)
def test_an_orchestration_gives_its_result(kinds: TaskHub, name: str, given: Any, result: Any) -> None:
    assert kinds.result(name, given) == result


def test_a_failed_activity_is_an_exception_at_the_yield(kinds: TaskHub) -> None:
    assert "no way" in kinds.result("caught")


def test_an_event_wins_against_a_timer_which_is_cancelled(kinds: TaskHub) -> None:
    instance = kinds.run("approval", 600)
    kinds.client.wait_for_orchestration_start(instance, timeout=30)
    kinds.client.raise_orchestration_event(instance, "Approval", data=True)

    state = kinds.ended(instance)

    assert json.loads(state.serialized_output or "") == {"approved": True, "late": False}
    assert json.loads(state.serialized_custom_status or "") == "waits"


def test_what_is_no_task_fails_the_orchestration_in_words(kinds: TaskHub) -> None:
    details = kinds.ended(kinds.run("wrong")).failure_details

    assert details is not None
    assert "yielded int, which is no task of its context" in details.message


def test_other_code_under_a_running_orchestration_breaks_it(hub: TaskHub, launch: Launch) -> None:
    """What the whole project is about: this must come to light, and as what it is."""
    before = """
        @app.orchestration_trigger(context_name="context")
        def order(context):
            yield context.call_activity("reserve", None)
            yield context.wait_for_external_event("Go")
            yield context.call_activity("charge", None)

        @app.activity_trigger(input_name="_")
        def reserve(_: str) -> None: ...

        @app.activity_trigger(input_name="_")
        def charge(_: str) -> None: ...
    """
    after = before.replace("reserve", "RESERVE").replace("charge", "reserve").replace("RESERVE", "charge")
    first = launch(before)
    broken, control = hub.run("order"), hub.run("order")
    for instance in (broken, control):
        hub.client.wait_for_orchestration_start(instance, timeout=30)
    hub.client.raise_orchestration_event(control, "Go")
    assert hub.ended(control).failure_details is None
    first.process.end()

    launch(after)
    hub.client.raise_orchestration_event(broken, "Go")

    details = hub.ended(broken).failure_details
    assert details is not None
    assert details.error_type.endswith("NonDeterminismError")


def test_the_same_code_takes_over_a_running_orchestration(hub: TaskHub, launch: Launch) -> None:
    first = launch(ACTIVITIES + ORCHESTRATORS)
    instance = hub.run("approval", 600)
    hub.client.wait_for_orchestration_start(instance, timeout=30)
    first.process.end()

    launch(ACTIVITIES + ORCHESTRATORS)
    hub.client.raise_orchestration_event(instance, "Approval", data="late")

    assert json.loads(hub.ended(instance).serialized_output or "") == {"approved": "late", "late": False}


def test_an_activity_whose_worker_is_killed_is_done_again(hub: TaskHub, launch: Launch, tmp_path: Any) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    app = f"""
        import os, pathlib, time

        @app.orchestration_trigger(context_name="context")
        def work(context):
            result = yield context.call_activity("long", None)
            return result

        @app.activity_trigger(input_name="_")
        def long(_: str) -> str:
            marks = pathlib.Path({str(marks)!r})
            if not list(marks.iterdir()):
                (marks / "begun").touch()
                time.sleep(600)
            return "done"
    """
    first = launch(app)
    instance = hub.run("work")
    while not list(marks.iterdir()):
        assert first.process.exit_code is None
    first.process.kill()

    launch(app)

    assert json.loads(hub.ended(instance).serialized_output or "") == "done"


@pytest.fixture(scope="module")
def kinds(shared_hub: TaskHub, shared_launch: Launch) -> TaskHub:
    shared_launch(ACTIVITIES + ORCHESTRATORS)
    return shared_hub
