"""Orchestrations of the Python v2 model run unmodified, each by what it gives."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from localazure.functions.process import WorkerProcess
from tests.functions.durable_host import DurableHost, an_instance
from tests.localazure.worker.conftest import DEFAULT, Launch, TaskHub, document

FUNCTIONS = Path(__file__).parents[3] / "functions"
PACKAGE = f"https://account.example/packages/{'a' * 64}.zip"

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

    @app.orchestration_trigger(context_name="context")
    def lacking(context):
        yield context.lock([])

    @app.orchestration_trigger(context_name="context")
    def wrong_kind(context):
        yield context.call_activity(chain, 1)
"""
MORE = """
    import asyncio, threading
    from typing import Any

    class Money:
        def __init__(self, amount):
            self.amount = amount

        @staticmethod
        def to_json(money):
            return money.amount

        @staticmethod
        def from_json(amount):
            return Money(amount)

    @app.orchestration_trigger(context_name="context")
    def none_at_all(context):
        every = yield context.task_all([])
        either = yield context.task_any([])
        return [every, either]

    @app.orchestration_trigger(context_name="context", input_type=Money)
    def paid(context):
        first = yield context.call_activity("pay", context.get_input())
        second = yield context.call_activity(pay, first)
        return second.amount

    @app.orchestration_trigger(context_name="context")
    def pays(context):
        amount = yield context.call_sub_orchestrator("paid", Money(3))
        return amount

    @app.activity_trigger(input_name="money")
    def pay(money: Any) -> Money:
        return Money(money.amount + 1)

    @app.orchestration_trigger(context_name="context")
    def asks_for_context(context):
        name = yield context.call_activity("told", 1)
        return name

    @app.activity_trigger(input_name="number")
    def told(number: int, context: func.Context) -> str:
        return context.function_name

    loops = set()

    @app.activity_trigger(input_name="_")
    async def loop(_: str) -> int:
        loops.add(asyncio.get_running_loop())
        return len(loops)

    @app.route(route="loop", auth_level=func.AuthLevel.ANONYMOUS)
    async def http_loop(req: func.HttpRequest) -> str:
        loops.add(asyncio.get_running_loop())
        return str(len(loops))

    @app.orchestration_trigger(context_name="context")
    def twice_on_a_loop(context):
        yield context.call_activity("loop", "")
        count = yield context.call_activity("loop", "")
        return count

    @app.activity_trigger(input_name="number", activity="Renamed")
    def named_otherwise(number: int) -> int:
        return number

    @app.orchestration_trigger(context_name="context", orchestration="RenamedToo")
    def also_named_otherwise(context):
        number = yield context.call_activity("Renamed", 7)
        return number

    @app.entity_trigger(context_name="context", entity_name="Purse")
    def purse(context):
        if context.operation_name == "lose":
            raise ValueError("it is gone")
        if context.operation_name == "give up":
            context.destruct_on_exit()
            return
        money = context.get_state(lambda: Money(0))
        money = Money(money.amount + (context.get_input() or 0))
        context.set_state(money)
        context.set_result(money.amount)

    @app.orchestration_trigger(context_name="context")
    def purses(context):
        mine = df.EntityId("Purse", context.instance_id)
        amounts = [(yield context.call_entity(mine, "add", 2)), (yield context.call_entity(mine, "add", 3))]
        try:
            yield context.call_entity(mine, "lose")
        except Exception as error:
            amounts.append(str(error))
        yield context.call_entity(mine, "give up")
        return [*amounts, (yield context.call_entity(mine, "get"))]

    @app.orchestration_trigger(context_name="context")
    def nothing_after_it_begins_anew(context):
        if context.get_input() == "again":
            return "ended"
        context.continue_as_new("again")
        yield context.call_activity("Renamed", 1)
        raise RuntimeError("it went on")

    everyone = threading.Barrier(12)

    @app.activity_trigger(input_name="number")
    def wait_for_all(number: int) -> int:
        everyone.wait(30)
        return number

    @app.orchestration_trigger(context_name="context")
    def twelve_at_once(context):
        numbers = yield context.task_all([context.call_activity("wait_for_all", n) for n in range(12)])
        return sum(numbers)

    @app.orchestration_trigger(context_name="context")
    def within_one_another(context):
        every = context.task_all([context.call_activity("Renamed", n) for n in (1, 2)])
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=30))
        winner = yield context.task_any([timer, every])
        timer.cancel()
        again = yield every
        return [winner == every, winner.result, again, timer.is_completed]

    @app.orchestration_trigger(context_name="context")
    def a_failed_one_wins(context):
        call = context.call_activity("fails", "")
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=30))
        winner = yield context.task_any([timer, call])
        timer.cancel()
        return [winner == call, winner.is_completed, "no way" in str(winner.result)]

    @app.orchestration_trigger(context_name="context")
    def large(context):
        text = yield context.call_activity("echo", "x" * 5_000_000)
        return len(text)

    @app.activity_trigger(input_name="text")
    def echo(text: str) -> str:
        return text
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


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("none_at_all", [None, None]),
        ("pays", 5),
        ("asks_for_context", "told"),
        ("RenamedToo", 7),
        ("purses", [2, 5, "it is gone", 0]),
        ("nothing_after_it_begins_anew", "ended"),
        ("within_one_another", [True, [1, 2], [1, 2], False]),
        ("a_failed_one_wins", [True, True, True]),
    ],
)
def test_what_azures_sdk_does_is_done_here(kinds: TaskHub, name: str, result: Any) -> None:
    assert kinds.result(name) == result


def test_activities_that_wait_hold_up_nothing(kinds: TaskHub) -> None:
    """On the SDK's own number of threads these twelve would wait for one another for ever."""
    assert kinds.result("twelve_at_once") == 66


def test_a_value_of_megabytes_passes(kinds: TaskHub) -> None:
    """More than gRPC's own limit, on which the worker would ask for the same step again and again."""
    assert kinds.result("large") == 5_000_000


def test_coroutines_all_run_on_one_loop(hub: TaskHub, launch: Launch) -> None:
    """An app may keep a client session for its whole life."""
    worker = launch(MORE)

    assert worker.ask("/api/loop").text == "1"
    assert hub.result("twice_on_a_loop") == 1


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("lacking", "function lacking uses context.lock, which local Azure doesn't run"),
        ("wrong_kind", "the function chain has no ActivityTrigger"),
    ],
)
def test_what_an_orchestrator_cant_do_fails_it_in_words(kinds: TaskHub, name: str, problem: str) -> None:
    assert problem in kinds.failure(name).message


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
    assert "function wrong yielded int, no task of its context" in details.message


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


@pytest.mark.parametrize("call", ["call_activity('other')", "create_timer(context.current_utc_datetime)"])
def test_an_orchestrator_that_catches_all_cant_hide_it(hub: TaskHub, launch: Launch, call: str) -> None:
    before = """
        @app.orchestration_trigger(context_name="context")
        def order(context):
            try:
                yield context.call_sub_orchestrator("part")
                context.set_custom_status("waits")
                yield context.wait_for_external_event("Go")
            except Exception as error:
                return f"caught {error}"

        @app.orchestration_trigger(context_name="context")
        def part(context):
            return "done"
    """
    first = launch(before)
    instance = hub.run("order")
    while hub.status(instance) != "waits":
        assert first.process.exit_code is None
    first.process.end()

    launch(before.replace('call_sub_orchestrator("part")', call))
    hub.client.raise_orchestration_event(instance, "Go")

    details = hub.ended(instance).failure_details
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


def test_a_worker_that_is_told_to_end_waits_for_no_activity(hub: TaskHub, launch: Launch, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    worker = launch(
        f"""
        import pathlib, time

        @app.orchestration_trigger(context_name="context")
        def work(context):
            yield context.call_activity("long", None)

        @app.activity_trigger(input_name="_")
        def long(_: str) -> None:
            pathlib.Path({str(begun)!r}).touch()
            time.sleep(600)
        """
    )
    hub.run("work")
    while not begun.exists():
        assert worker.process.exit_code is None

    worker.process.end()

    assert worker.process.exit_code == -signal.SIGTERM


def test_the_sample_app_runs_as_it_is(hub: TaskHub, tmp_path: Path) -> None:
    """Its orchestrator to the end, and its StatusCheck, which reads the binding by itself, against an extension."""
    running = [an_instance("one"), an_instance("two", "Completed")]
    with DurableHost([running[:1], running[1:]]).serving() as extension:
        told = document(hub, FUNCTIONS, {"WEBSITE_RUN_FROM_PACKAGE": PACKAGE}, f"{extension.address}/durabletask/")
        process = WorkerProcess(told, tmp_path / "log")
        try:
            ready = process.ready()
            process.join()
            result = hub.result("fulfil_order", {"item": "lamp", "quantity": 2, "total": 80})
            url = f"http://127.0.0.1:{ready.port}/api/StatusCheck?code={DEFAULT}"
            answer = httpx.get(url, trust_env=False)
        finally:
            process.kill()

    assert result == {"state": "shipped", "receipt": "receipt for 80", "parcel": "parcel with 2 of lamp"}
    assert answer.status_code == 200, answer.text
    status = answer.json()
    assert (status["hub"], status["package"], status["active"], status["rows"]) == ("ShopHub", "a" * 64, 1, 2)


@pytest.fixture(scope="module")
def kinds(shared_hub: TaskHub, shared_launch: Launch) -> TaskHub:
    shared_launch(ACTIVITIES + ORCHESTRATORS + MORE)
    return shared_hub
