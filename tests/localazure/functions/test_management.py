"""The HTTP API over a hub's orchestrations, against azure_facts.md 3.5."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from durabletask.internal import orchestrator_service_pb2 as pb

from localazure.arm.calls import Reply
from localazure.arm.database import Database
from localazure.functions.management import Links, Request, answer
from localazure.hubs.hub import Hub
from localazure.hubs.runs import Runs
from localazure.hubs.spec import HubSpec
from tests.localazure.hubs.hand import FAILED, Call, Worker, end, events, started
from tests.localazure.hubs.memory import MemoryHubStorage

TOKEN = "x-ms-continuation-token"
LINKS = Links("http://shop.example/runtime/webhooks/durabletask", "OrdersHub", "Store", "k&y")
ANY: Any = Call()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    database = Database(tmp_path / "arm.sqlite")
    made = Hub(HubSpec("account1", "OrdersHub"), MemoryHubStorage(), Runs(database))
    yield made
    made.close()
    database.close()


@pytest.fixture
def worker(hub: Hub) -> Worker:
    return Worker(hub.backend)


def ask(hub: Hub | None, path: str, method: str = "GET", body: Any = None, token: str = "", **query: Any) -> Reply:
    content = b"" if body is None else json.dumps(body).encode()
    headers = {TOKEN: token} if token else {}
    return answer(
        hub, Request(method, path, {key: str(value) for key, value in query.items()}, headers, content, LINKS)
    )


def ids(reply: Reply) -> list[str]:
    assert reply.status == 200
    return [each["instanceId"] for each in reply.body]


def test_an_instance_is_started_and_the_answer_leads_to_it(hub: Hub, worker: Worker) -> None:
    made = ask(hub, "/orchestrators/Order/one", "POST", {"item": "lamp"})
    assert (made.status, made.body["id"]) == (202, "one")
    assert made.headers["Location"] == made.body["statusQueryGetUri"]
    query = "taskHub=OrdersHub&connection=Store&code=k%26y"
    assert made.body["statusQueryGetUri"] == f"{LINKS.base}/instances/one?{query}"
    assert made.body["sendEventPostUri"] == f"{LINKS.base}/instances/one/raiseEvent/{{eventName}}?{query}"
    assert made.body["terminatePostUri"] == f"{LINKS.base}/instances/one/terminate?reason={{text}}&{query}"
    item = worker.take().orchestratorRequest.newEvents[1].executionStarted
    assert (item.name, item.input.value) == ("Order", '{"item": "lamp"}')


def test_an_instance_without_an_id_gets_one(hub: Hub) -> None:
    made = ask(hub, "/orchestrators/Order", "POST")
    assert ask(hub, f"/instances/{made.body['id']}").status == 202


def test_an_active_instance_is_not_started_again_and_a_finished_one_is(hub: Hub, worker: Worker) -> None:
    ask(hub, "/orchestrators/Order/one", "POST")
    refused = ask(hub, "/orchestrators/Order/one", "POST")
    assert (refused.status, "Pending already exists" in refused.body["Message"]) == (409, True)
    worker.step(worker.take(), end())
    assert ask(hub, "/orchestrators/Order/one", "POST").status == 202
    assert ask(hub, "/instances/one").body["runtimeStatus"] == "Pending"


@pytest.mark.parametrize("instance_id", ["@a", "a?b", "x" * 257])
def test_an_id_that_azure_refuses_is_refused(hub: Hub, instance_id: str) -> None:
    assert ask(hub, f"/orchestrators/Order/{instance_id}", "POST").status == 400


def test_a_body_that_is_no_json_is_refused(hub: Hub) -> None:
    started(hub.backend, "one")
    for path in ("/orchestrators/Order", "/instances/one/raiseEvent/go", "/entities/counter/a"):
        assert answer(hub, Request("POST", path, {}, {}, b"{")).status == 400


def test_the_status_is_202_until_an_instance_has_ended_then_200_and_404_for_none(hub: Hub, worker: Worker) -> None:
    started(hub.backend, "one")
    running = ask(hub, "/instances/one")
    assert (running.status, running.headers["Retry-After"]) == (202, "10")
    assert running.headers["Location"].startswith(f"{LINKS.base}/instances/one?")
    worker.step(worker.take(), end(result='{"state": "shipped"}'), custom_status='"half"')
    done = ask(hub, "/instances/one")
    assert (done.status, done.body["runtimeStatus"], done.body["output"]) == (200, "Completed", {"state": "shipped"})
    assert (done.body["name"], done.body["customStatus"]) == ("Order", "half")
    assert ask(hub, "/instances/other").status == 404
    assert ask(None, "/instances/one").status == 404


def test_the_input_is_shown_unless_it_is_not_wanted(hub: Hub) -> None:
    ask(hub, "/orchestrators/Order/one", "POST", [1])
    assert ask(hub, "/instances/one").body["input"] == [1]
    assert ask(hub, "/instances/one", showInput="false").body["input"] is None


def test_a_failed_instance_is_500_if_that_is_asked_for(hub: Hub, worker: Worker) -> None:
    started(hub.backend, "one")
    worker.step(worker.take(), end(FAILED))
    assert ask(hub, "/instances/one").status == 200
    assert ask(hub, "/instances/one", returnInternalServerErrorOnFailure="true").status == 500


def test_a_history_is_refused_by_name(hub: Hub) -> None:
    started(hub.backend, "one")
    refused = ask(hub, "/instances/one", showHistory="true")
    assert (refused.status, "showHistory" in refused.body["error"]) == (501, True)


def test_a_list_is_given_page_by_page_whatever_goes_in_between(hub: Hub, worker: Worker) -> None:
    for each in "abcde":
        started(hub.backend, each)
    first = ask(hub, "/instances", top=2)
    assert ids(first) == ["a", "b"]
    worker.step(worker.take(), end())
    hub.backend.PurgeInstances(pb.PurgeInstancesRequest(instanceId="a"), ANY)
    second = ask(hub, "/instances", top=2, token=first.headers[TOKEN])
    last = ask(hub, "/instances", top=2, token=second.headers[TOKEN])
    assert (ids(second), ids(last), TOKEN in last.headers) == (["c", "d"], ["e"], False)


def test_a_page_has_100_instances_unless_told_otherwise(hub: Hub) -> None:
    for each in range(101):
        started(hub.backend, f"{each:03}")
    assert len(ids(ask(hub, "/instances"))) == 100
    assert len(ids(ask(hub, "/instances", top=1000))) == 101


def test_a_hub_that_nobody_joined_has_no_instances(hub: Hub) -> None:
    assert ids(ask(hub, "/instances")) == []
    assert ids(ask(None, "/instances")) == []


def test_a_list_is_filtered_by_status_prefix_and_time(hub: Hub, worker: Worker) -> None:
    started(hub.backend, "a1")
    worker.step(worker.take(), end())
    started(hub.backend, "b1")
    assert ids(ask(hub, "/instances", runtimeStatus="Completed")) == ["a1"]
    assert ids(ask(hub, "/instances", runtimeStatus="Pending,Completed")) == ["a1", "b1"]
    assert ids(ask(hub, "/instances", instanceIdPrefix="b")) == ["b1"]
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert ids(ask(hub, "/instances", createdTimeFrom=later)) == []
    assert ids(ask(hub, "/instances", createdTimeTo=later)) == ["a1", "b1"]


@pytest.mark.parametrize(("text", "found"), [("pending", 2), ("pending,Completed", 1), ("6", 1), ("", 2)])
def test_a_status_in_the_wrong_case_is_dropped_and_alone_filters_nothing(
    hub: Hub, worker: Worker, text: str, found: int
) -> None:
    started(hub.backend, "a")
    worker.step(worker.take(), end())
    started(hub.backend, "b")
    assert len(ids(ask(hub, "/instances", runtimeStatus=text))) == found


def test_entities_are_listed_with_the_instances_and_run_for_ever(hub: Hub) -> None:
    assert ask(hub, "/entities/Counter/a", "POST", 1, op="add").status == 202
    listed = ask(hub, "/instances")
    assert ids(listed) == ["@counter@a"]
    assert listed.body[0]["runtimeStatus"] == "Running"


def test_an_entitys_state_is_told(hub: Hub, worker: Worker) -> None:
    assert ask(hub, "/entities/Counter/a").status == 404
    ask(hub, "/entities/Counter/a", "POST", 1, op="add")
    item = worker.take()
    operation = item.entityRequestV2.operationRequests[0].entityOperationSignaled
    assert (operation.operation, operation.input.value) == ("add", "1")
    done = pb.EntityBatchResult(completionToken=item.completionToken)
    done.entityState.value = "7"
    hub.backend.CompleteEntityTask(done, ANY)
    assert ask(hub, "/entities/Counter/a").body == 7
    shown = ask(hub, "/entities/counter", fetchState="true").body
    assert [(each["entityId"], each["state"]) for each in shown] == [({"name": "counter", "key": "a"}, 7)]
    assert ask(hub, "/entities/other").body == []


def test_an_event_reaches_an_instance_that_has_not_ended(hub: Hub, worker: Worker) -> None:
    started(hub.backend, "one")
    assert ask(hub, "/instances/one/raiseEvent/go", "POST", True).status == 202
    item = worker.take()
    event = item.orchestratorRequest.newEvents[-1].eventRaised
    assert (event.name, event.input.value) == ("go", "true")
    worker.step(item, end())
    assert ask(hub, "/instances/one/raiseEvent/go", "POST", True).status == 410
    assert ask(hub, "/instances/two/raiseEvent/go", "POST", True).status == 404


@pytest.mark.parametrize(
    ("verb", "event"),
    [
        ("terminate", "executionTerminated"),
        ("suspend", "executionSuspended"),
        ("resume", "executionResumed"),
    ],
)
def test_an_instance_is_told_to_end_to_rest_and_to_go_on(hub: Hub, worker: Worker, verb: str, event: str) -> None:
    started(hub.backend, "one")
    assert ask(hub, f"/instances/one/{verb}", "POST", reason="stock").status == 202
    item = worker.take()
    assert events(item)[-1] == event
    worker.step(item, end())
    assert ask(hub, f"/instances/one/{verb}", "POST").status == 410
    assert ask(hub, f"/instances/two/{verb}", "POST").status == 404


def test_a_suspended_instance_is_active(hub: Hub, worker: Worker) -> None:
    started(hub.backend, "one")
    ask(hub, "/instances/one/suspend", "POST")
    worker.step(worker.take())
    suspended = ask(hub, "/instances/one")
    assert (suspended.status, suspended.body["runtimeStatus"]) == (202, "Suspended")


def test_a_finished_instance_is_restarted_under_another_id_or_its_own(hub: Hub, worker: Worker) -> None:
    ask(hub, "/orchestrators/Order/one", "POST", [1])
    assert ask(hub, "/instances/one/restart", "POST").status == 409
    worker.step(worker.take(), end())
    other = ask(hub, "/instances/one/restart", "POST")
    assert other.status == 202
    assert ask(hub, f"/instances/{other.body['id']}").body["input"] == [1]
    again = ask(hub, "/instances/one/restart", "POST", restartWithNewInstanceId="false")
    assert again.body["id"] == "one"
    assert ask(hub, "/instances/one").body["runtimeStatus"] == "Pending"


def test_only_a_failed_instance_is_rewound(hub: Hub, worker: Worker) -> None:
    started(hub.backend, "one")
    assert ask(hub, "/instances/one/rewind", "POST", reason="mended").status == 410
    worker.step(worker.take(), end(FAILED))
    assert ask(hub, "/instances/one/rewind", "POST", reason="mended").status == 202
    assert ask(hub, "/instances/one").body["runtimeStatus"] == "Running"


def test_finished_instances_are_purged_alone_or_by_filter(hub: Hub, worker: Worker) -> None:
    for each in ("a", "b", "c"):
        started(hub.backend, each)
    for _ in range(2):
        worker.step(worker.take(), end())
    assert ask(hub, "/instances/a", "DELETE").body == {"instancesDeleted": 1}
    assert ask(hub, "/instances/a", "DELETE").status == 404
    assert ask(hub, "/instances/c", "DELETE").status == 404
    assert ask(hub, "/instances", "DELETE", createdTimeFrom="2026-01-01", runtimeStatus="Failed").status == 404
    assert ask(hub, "/instances", "DELETE", createdTimeFrom="2026-01-01").body == {"instancesDeleted": 1}
    assert ids(ask(hub, "/instances")) == ["c"]


def test_a_path_that_the_extension_does_not_know_is_not_found(hub: Hub) -> None:
    assert ask(hub, "/instances/one/dance", "POST").status == 404
