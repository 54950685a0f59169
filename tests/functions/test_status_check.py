"""The sample app's StatusCheck, run against a Durable extension that pages, and its rules against those of durable/."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable import app_settings, entities, statuses
from tests.functions import sample
from tests.functions.durable_host import DurableHost, an_instance
from tests.loopback import Answer

RULES = sample.module("status_check")
SHA = "0123456789abcdef" * 4
ACTIVE = ("Pending", "Running", "Suspended", "ContinuedAsNew")
FINISHED = ("Completed", "Failed", "Canceled", "Terminated")


@pytest.fixture(scope="module")
def function() -> Any:
    return sample.functions(sample.module("function_app"))["StatusCheck"]


@pytest.fixture(autouse=True)
def _package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(app_settings.PACKAGE, f"https://ordersdevhost.blob.core.windows.net/packages/{SHA}.zip")


def ask(function: Any, host: DurableHost) -> tuple[int, dict[str, Any]]:
    """The status and the JSON that StatusCheck answers on this host."""
    with host.serving():
        request = func.HttpRequest("GET", "/api/StatusCheck", body=b"")
        answer: func.HttpResponse = asyncio.run(function.get_user_function()(request, host.binding))
    assert answer.mimetype == "application/json"
    return answer.status_code, json.loads(answer.get_body())


def listed(body: dict[str, Any]) -> list[str]:
    return [instance["id"] for instance in body["instances"]]


def test_it_is_an_http_function_that_wants_a_function_key(function: Any) -> None:
    bindings = {binding["type"]: binding for binding in (b.get_dict_repr() for b in function.get_bindings())}
    assert bindings["httpTrigger"]["authLevel"] is func.AuthLevel.FUNCTION
    assert bindings["httpTrigger"]["route"] == "StatusCheck"
    assert bindings["durableClient"]["name"] == "durable"


def test_it_tells_what_is_active_in_which_hub_and_of_which_package(function: Any) -> None:
    pages = [[an_instance("a"), an_instance("b", "Completed")], [an_instance("c", "Pending"), an_instance("@e@1")]]
    assert ask(function, DurableHost(pages)) == (
        200,
        {
            "hub": "OrdersHub",
            "package": SHA,
            "HasRunning": True,
            "active": 2,
            "byStatus": {"Running": 1, "Pending": 1},
            "instances": [
                {"id": "a", "name": "process_order", "status": "Running", "created": "2026-07-01T08:00:00Z"},
                {"id": "c", "name": "process_order", "status": "Pending", "created": "2026-07-01T08:00:00Z"},
            ],
            "rows": 4,
        },
    )


@pytest.mark.parametrize("pages", [[[]], [[], []], [[an_instance("a", status) for status in FINISHED]]])
def test_a_hub_without_an_active_instance_has_nothing_running(function: Any, pages: list[list[Any]]) -> None:
    status, body = ask(function, DurableHost(pages))
    assert (status, body["HasRunning"], body["active"], body["byStatus"], body["instances"]) == (200, False, 0, {}, [])


@pytest.mark.parametrize("status", [*ACTIVE, "Paused", "running", "", None])
def test_an_instance_is_active_in_each_active_status_and_in_one_that_nobody_knows(
    function: Any, status: str | None
) -> None:
    _, body = ask(function, DurableHost([[an_instance("a", status)]]))
    assert (body["HasRunning"], body["byStatus"]) == (True, {status or "": 1})


def test_an_active_instance_behind_empty_pages_is_found(function: Any) -> None:
    host = DurableHost([[], [an_instance("x", "Failed")], [], [], [an_instance("a")]])
    assert listed(ask(function, host)[1]) == ["a"]
    assert len(host.log) == 5


def test_an_old_extension_whose_last_page_has_null_for_a_token_is_read_once(function: Any) -> None:
    host = DurableHost([[an_instance("a")], []], last="bnVsbA==")
    assert listed(ask(function, host)[1]) == ["a"]
    assert len(host.log) == 2


def test_pages_that_never_end_are_an_error(function: Any) -> None:
    host = DurableHost([[], [an_instance("a")]], last="page 1")
    status, body = ask(function, host)
    assert (status, body["error"]) == (
        503,
        "the task hub can't be read to its end: the Durable extension gives the same page again and again",
    )
    assert len(host.log) == 2


@pytest.mark.parametrize(
    ("failed", "told"),
    [
        (Answer(500, b'{"Message": "a-secret"}'), "the Durable extension answers 500"),
        (Answer(404, b"[]"), "the Durable extension answers 404"),
        (Answer(302, b"", {"Location": "/elsewhere"}), "the Durable extension answers 302"),
        (Answer(200, b"<html>a-secret</html>"), "JSONDecodeError"),
        (Answer(200, b'{"a-secret": 1}'), "the Durable extension's answer is no list of instances"),
        (Answer(200, b'["a-secret"]'), "the Durable extension's answer is no list of instances"),
        (Answer(200, b'[{"instanceId": ""}]'), "the Durable extension's answer is no list of instances"),
        (Answer(200, b'[{"instanceId": 7}]'), "the Durable extension's answer is no list of instances"),
        (Answer(200, b"[", {}, 10), "ClientPayloadError"),
    ],
)
def test_what_it_can_not_read_to_the_end_is_503_in_json_without_the_answer(
    function: Any, failed: Answer, told: str
) -> None:
    host = DurableHost([[an_instance("a")], []], failing=lambda page: failed if page == 1 else None)
    assert ask(function, host) == (
        503,
        {"hub": "OrdersHub", "package": SHA, "error": f"the task hub can't be read to its end: {told}"},
    )


def test_an_extension_that_is_not_there_is_503(function: Any) -> None:
    host = DurableHost([[]])
    with host.serving():
        pass
    request = func.HttpRequest("POST", "/api/StatusCheck", body=b"")
    answer: func.HttpResponse = asyncio.run(function.get_user_function()(request, host.binding))
    assert answer.status_code == 503
    assert json.loads(answer.get_body())["error"].endswith("ClientConnectorError")


def test_a_reading_that_takes_too_long_is_503(function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(_: str) -> Any:
        await asyncio.Event().wait()
        yield []

    check = function.get_user_function()
    monkeypatch.setitem(check.__globals__, "TIME", 0)
    monkeypatch.setitem(check.__globals__, "pages", endless)
    answer = asyncio.run(check(None, DurableHost([[]]).binding))
    assert answer.status_code == 503
    assert json.loads(answer.get_body())["error"].endswith("TimeoutError")


@pytest.mark.parametrize("value", ["", "1", "https://x.blob.core.windows.net/packages/app.zip"])
def test_a_slot_that_runs_no_package_of_a_release_says_so(
    function: Any, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(app_settings.PACKAGE, value)
    assert ask(function, DurableHost([[]]))[1]["package"] is None


def test_it_knows_the_same_finished_statuses_as_the_gate() -> None:
    assert set(statuses.FINISHED) == RULES.FINISHED


@given(st.one_of(st.sampled_from(list(statuses.InstanceStatus)).map(str), st.text(max_size=12)))
def test_it_takes_the_same_statuses_for_active_as_the_gate(status: str) -> None:
    assert RULES.is_active(status) == statuses.is_active(status)


def texts(*parts: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(parts) | st.text(max_size=3), max_size=6).map("".join)


@given(texts("@", "counter", "\n"))
def test_it_takes_the_same_instances_for_entities_as_the_gate(instance_id: str) -> None:
    assert RULES.is_entity(instance_id) == entities.is_entity(instance_id)


@given(texts("/", "?", "https://x/packages", "\n", SHA, ".zip", f"/{SHA}.zip"))
def test_it_knows_its_package_by_the_same_rule_as_the_release(value: str) -> None:
    assert RULES.package_of(value) == app_settings.package_of({app_settings.PACKAGE: value})


def counted(instances: Iterable[dict[str, Any]]) -> int:
    return sum(
        statuses.is_active(instance["runtimeStatus"] or "") and not entities.is_entity(instance["instanceId"])
        for instance in instances
    )


@given(
    st.lists(
        st.builds(
            an_instance,
            texts("@", "e", "1").filter(bool),
            st.sampled_from([*ACTIVE, *FINISHED, "New", None]),
        )
    )
)
def test_its_numbers_agree_with_its_list(instances: list[dict[str, Any]]) -> None:
    answer = RULES.answer(instances)
    assert answer["active"] == len(answer["instances"]) == sum(answer["byStatus"].values()) == counted(instances)
    assert answer["HasRunning"] is (answer["active"] > 0)
    assert answer["rows"] == len(instances)
