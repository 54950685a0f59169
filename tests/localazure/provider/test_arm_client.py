from __future__ import annotations

from collections.abc import Callable
from threading import Event, Timer

import httpx
import pytest

from localazure.provider import arm_client
from localazure.provider.arm_client import ATTEMPTS, ArmClient, Query
from localazure.provider.errors import (
    ArmError,
    CancelledError,
    NotLoopbackError,
    TimedOutError,
    UnreachableError,
)
from tests.localazure.provider.fake_arm import HOST, FakeArm, error

THING = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/app"
QUERY = Query("2025-05-01")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm_client, "FIRST_DELAY", 0)
    monkeypatch.setattr(arm_client, "POLL_INTERVAL", 0)


@pytest.fixture
def cancelled() -> Event:
    return Event()


@pytest.fixture
def client(arm: FakeArm, cancelled: Event) -> ArmClient:
    return ArmClient(HOST, cancelled, httpx.MockTransport(arm))


def test_an_outside_address_is_refused_before_any_request(arm: FakeArm, cancelled: Event) -> None:
    with pytest.raises(NotLoopbackError):
        ArmClient("https://management.azure.com", cancelled, httpx.MockTransport(arm))
    assert arm.requests == []


def test_a_metadata_document_that_leads_outside_stops_everything(arm: FakeArm, client: ArmClient) -> None:
    arm.next("GET /metadata", httpx.Response(200, json={"resourceManager": "https://management.azure.com"}))
    with pytest.raises(NotLoopbackError):
        client.get(THING, QUERY)
    assert [request.url.host for request in arm.requests] == ["127.0.0.1"]


def test_the_metadata_document_is_asked_once(arm: FakeArm, client: ArmClient) -> None:
    client.put(THING, QUERY, {})
    client.get(THING, QUERY)
    assert arm.sent("GET") == ["/metadata/endpoints", THING]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_trouble_is_tried_again(arm: FakeArm, client: ArmClient, status: int) -> None:
    arm.next("PUT", httpx.Response(status))
    assert client.put(THING, QUERY, {"kind": "app"}).status_code == 200


@pytest.mark.parametrize(
    "trouble", [httpx.ConnectError("refused"), httpx.RemoteProtocolError("gone"), httpx.ReadTimeout("slow")]
)
def test_a_broken_connection_is_tried_again(arm: FakeArm, client: ArmClient, trouble: httpx.TransportError) -> None:
    arm.next("PUT", trouble)
    assert client.put(THING, QUERY, {}).status_code == 200


def test_an_operation_in_progress_is_tried_again_and_any_other_conflict_is_not(arm: FakeArm, client: ArmClient) -> None:
    arm.next("PUT", error(409, "AnotherOperationInProgress"))
    assert client.put(THING, QUERY, {}).status_code == 200
    arm.next("PUT", error(409, "Conflict", "a swap is running"))
    with pytest.raises(ArmError, match='Status=409 Code="Conflict" Message="a swap is running"'):
        client.put(THING, QUERY, {})


def test_it_gives_up_after_some_attempts_with_arms_own_words(arm: FakeArm, client: ArmClient) -> None:
    for _ in range(ATTEMPTS):
        arm.next("GET /subscriptions", error(503, "Busy"))
    with pytest.raises(ArmError, match='Status=503 Code="Busy"'):
        client.get(THING, QUERY)
    assert arm.sent("GET").count(THING) == ATTEMPTS


@pytest.mark.parametrize("header", ["retry-after", "retry-after-ms"])
def test_the_delay_that_arm_asks_for_is_kept(
    arm: FakeArm, client: ArmClient, cancelled: Event, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    waited: list[float] = []

    def wait(timeout: float) -> bool:
        waited.append(timeout)
        return False

    monkeypatch.setattr(cancelled, "wait", wait)
    value = {"retry-after": "3", "retry-after-ms": "3000"}[header]
    arm.next("PUT", httpx.Response(429, headers={header: value}))
    client.put(THING, QUERY, {})
    assert waited == [3.0]


@pytest.mark.parametrize(
    ("trouble", "maybe_sent"), [(httpx.ConnectError("refused"), False), (httpx.ReadError("reset"), True)]
)
def test_whether_a_lost_request_may_have_arrived_is_known(
    arm: FakeArm, client: ArmClient, trouble: httpx.TransportError, maybe_sent: bool
) -> None:
    for _ in range(ATTEMPTS):
        arm.next("PUT", trouble)
    with pytest.raises(UnreachableError, match="python -m localazure start") as caught:
        client.put(THING, QUERY, {})
    assert caught.value.maybe_sent is maybe_sent


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (error(404, "ResourceNotFound", "no app"), 'Status=404 Code="ResourceNotFound" Message="no app"'),
        (httpx.Response(400, text="plain words"), 'Status=400 Message="plain words"'),
        (httpx.Response(403), 'Status=403 Message="no message"'),
    ],
)
def test_errors_read_as_the_real_providers(arm: FakeArm, client: ArmClient, answer: httpx.Response, text: str) -> None:
    arm.next("GET /subscriptions", answer)
    with pytest.raises(ArmError) as caught:
        client.get(THING, QUERY)
    assert str(caught.value) == text


def test_a_missing_resource_counts_as_deleted(client: ArmClient) -> None:
    client.delete(THING, QUERY)


def running(header: str, url: str) -> httpx.Response:
    return httpx.Response(202, headers={header: url, "retry-after-ms": "1"})


def test_an_asynchronous_operation_is_polled_until_it_succeeded(arm: FakeArm, client: ArmClient) -> None:
    arm.next("PUT", running("azure-asyncoperation", f"{HOST}/operations/1?api-version=1"))
    arm.next("GET /operations/1", httpx.Response(200, json={"status": "InProgress"}))
    arm.next("GET /operations/1", httpx.Response(200, json={"status": "Succeeded"}))
    client.finish(client.put(THING, QUERY, {}))
    assert arm.sent("GET").count("/operations/1") == 2


def test_a_relative_location_is_polled_until_it_answers_otherwise_than_202(arm: FakeArm, client: ArmClient) -> None:
    arm.next("PUT", running("location", "/operations/2?api-version=1"))
    arm.next("GET /operations/2", httpx.Response(202))
    arm.next("GET /operations/2", httpx.Response(204))
    client.finish(client.put(THING, QUERY, {}))
    assert arm.sent("GET").count("/operations/2") == 2


def test_a_resource_that_is_being_made_is_polled_by_its_state(arm: FakeArm, client: ArmClient) -> None:
    arm.next("PUT", httpx.Response(201, json={"properties": {"provisioningState": "Creating"}}))
    arm.next("GET /subscriptions", httpx.Response(200, json={"properties": {"provisioningState": "Succeeded"}}))
    client.finish(client.put(THING, QUERY, {}))
    assert arm.sent("GET").count(THING) == 1


def test_a_failed_operation_tells_arms_reason(arm: FakeArm, client: ArmClient) -> None:
    arm.next("PUT", running("azure-asyncoperation", f"{HOST}/operations/1"))
    failure = {"status": "Failed", "error": {"code": "SlotSwapFailed", "message": "warm-up answered 500"}}
    arm.next("GET /operations/1", httpx.Response(200, json=failure))
    with pytest.raises(ArmError, match='Code="SlotSwapFailed" Message="warm-up answered 500"'):
        client.finish(client.put(THING, QUERY, {}))


def test_an_operation_that_leads_outside_is_not_followed(arm: FakeArm, client: ArmClient) -> None:
    arm.next("PUT", running("location", "https://management.azure.com/operations/1"))
    with pytest.raises(NotLoopbackError):
        client.finish(client.put(THING, QUERY, {}))


def endless(arm: FakeArm) -> Callable[[httpx.Request], httpx.Response]:
    def again(_: httpx.Request) -> httpx.Response:
        arm.next("GET /operations/1", again)
        return httpx.Response(202, headers={"retry-after-ms": "1"})

    return again


def test_cancelling_ends_the_polling(arm: FakeArm, client: ArmClient, cancelled: Event) -> None:
    arm.next("PUT", running("location", "/operations/1"))
    arm.next("GET /operations/1", endless(arm))
    answer = client.put(THING, QUERY, {})
    Timer(0.02, cancelled.set).start()
    with pytest.raises(CancelledError, match="goes on in local Azure"):
        client.finish(answer)


def test_a_resources_time_out_ends_the_polling(arm: FakeArm, client: ArmClient) -> None:
    arm.next("PUT", running("location", "/operations/1"))
    arm.next("GET /operations/1", endless(arm))
    with pytest.raises(TimedOutError, match=r"after 0\.02 s"):
        client.finish(client.put(THING, QUERY, {}), timeout=0.02)
