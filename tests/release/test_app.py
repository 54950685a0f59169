"""A live app, through the real clients: against local Azure with its faults, and for the rest against a stub of ARM."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import HttpTransport

from durable.stores import Colour, Slot
from localazure.identity import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_ID, TENANT_ID
from release.app import CallLimits, LiveApp, open_app
from release.clock import SystemClock
from release.cloud import Cloud, CloudError, credential, find_cloud
from release.observed import Observed, Stores, observe
from release.swap import (
    AccessError,
    LiveError,
    SwapBusyError,
    SwapLimits,
    SwapRefusedError,
    SwapUncertainError,
    exchange,
)
from release.warm_up import warm_up
from tests.clients import FixedCredential
from tests.localazure.conftest import GROUP, Arm, serving
from tests.localazure.held_storage import HeldStorage, hold_next_swap

QUICK = CallLimits(repeats=3, pause=0, longest_pause=0, poll=0.01)
LOGIN = {"ARM_TENANT_ID": TENANT_ID, "ARM_CLIENT_ID": CLIENT_ID, "ARM_CLIENT_SECRET": CLIENT_SECRET}
SETTINGS_READ = "config/appsettings/list"


@pytest.fixture
def storage() -> Iterator[HeldStorage]:
    made = HeldStorage()
    yield made
    made.free.set()


@pytest.fixture
def arm(tmp_path: Path, storage: HeldStorage) -> Iterator[Arm]:
    """A local Azure with a site and a staging slot."""
    with serving(tmp_path / "arm.sqlite", storage) as made:
        made.make_group()
        made.make_site()
        made.make_slot()
        made.put_settings({"Code": "one"})
        made.put_settings({"Code": "two"}, slot="staging")
        yield made
        storage.free.set()


def opened(arm: Arm, *, site: str = "shop", slot: str = "staging", limits: CallLimits = QUICK) -> LiveApp:
    environ = {"ARM_METADATA_HOSTNAME": arm.url, **LOGIN}
    cloud = find_cloud({}, environ)
    return open_app(cloud, credential(cloud, {}, environ), SUBSCRIPTION_ID, GROUP, site, slot, limits)


@pytest.fixture
def app(arm: Arm) -> Iterator[LiveApp]:
    with opened(arm) as made:
        yield made


def faults_left(arm: Arm) -> int:
    return sum(rule["times"] for rule in arm.http.get("/localazure/faults").json()["faults"])


def swaps_begun(arm: Arm) -> int:
    return len({event["operation"] for event in arm.events("shop") if event["phase"] == "swap-started"})


def test_the_settings_of_both_slots_are_read(app: LiveApp) -> None:
    assert app.settings(Slot.PRODUCTION) == {"Code": "one"}
    assert app.settings(Slot.STAGING) == {"Code": "two"}


def test_what_is_not_there_has_no_settings(arm: Arm) -> None:
    with opened(arm, slot="other") as app:
        assert app.settings(Slot.PRODUCTION) == {"Code": "one"}
        assert app.settings(Slot.STAGING) is None
    with opened(arm, site="other") as app:
        assert app.settings(Slot.PRODUCTION) is None
        assert app.settings(Slot.STAGING) is None
    arm.resources.resource_groups.begin_delete(GROUP).result()
    with opened(arm) as app:
        assert app.settings(Slot.PRODUCTION) is None


def test_another_subscription_is_no_missing_site(arm: Arm) -> None:
    cloud = find_cloud({}, {"ARM_METADATA_HOSTNAME": arm.url})
    unknown = SUBSCRIPTION_ID.replace("1", "9")
    with (
        open_app(cloud, FixedCredential(), unknown, GROUP, "shop", "staging", QUICK) as app,
        pytest.raises(LiveError, match=r"404 SubscriptionNotFound: .*check the names of subscription"),
    ):
        app.settings(Slot.PRODUCTION)


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "NotFound"), (404, "SubscriptionNotFound"), (404, "InvalidResourceType"), (400, "ResourceNotFound")],
)
def test_an_error_that_does_not_say_that_the_site_is_missing_is_no_missing_site(
    arm: Arm, app: LiveApp, status: int, code: str
) -> None:
    arm.fault(path=SETTINGS_READ, fault={"status": status, "code": code})
    with pytest.raises(LiveError, match=f"read the app settings of production of shop in rg .{status} {code}"):
        app.settings(Slot.PRODUCTION)


@pytest.mark.parametrize(
    ("slot", "right"),
    [
        (Slot.PRODUCTION, "Microsoft.Web/sites/config/list/action"),
        (Slot.STAGING, "Microsoft.Web/sites/slots/config/list/action"),
    ],
)
def test_a_missing_right_to_read_settings_is_named_with_a_role(arm: Arm, app: LiveApp, slot: Slot, right: str) -> None:
    arm.fault(path=SETTINGS_READ, fault={"status": 403, "code": "AuthorizationFailed"})
    with pytest.raises(AccessError, match=f"403 AuthorizationFailed.*give it {right}, .*role Website Contributor"):
        app.settings(slot)


def test_a_missing_right_to_read_the_site_is_named(arm: Arm, app: LiveApp) -> None:
    arm.fault(path="sites/shop$", times=2, fault={"status": 403})
    with pytest.raises(AccessError, match=r"give it Microsoft\.Web/sites/read,"):
        app.swapping()
    with pytest.raises(AccessError, match=r"give it Microsoft\.Web/sites/read,"):
        app.ask(Slot.PRODUCTION, "/", 5)


@pytest.mark.parametrize(
    "fault",
    [{"status": 503}, {"status": 429, "retryAfter": 7}, {"status": 500}, {"status": 502}, {"reset": True}],
    ids=str,
)
def test_reading_is_repeated_through_faults_that_pass(arm: Arm, app: LiveApp, fault: dict[str, Any]) -> None:
    arm.fault(path=SETTINGS_READ, times=2, fault=fault)
    arm.fault(path="sites/shop$", times=2, fault=fault)
    assert app.settings(Slot.STAGING) == {"Code": "two"}
    assert app.swapping() is False
    assert faults_left(arm) == 0


def test_reading_is_not_repeated_for_ever(arm: Arm, app: LiveApp) -> None:
    arm.fault(path=SETTINGS_READ, times=100, fault={"status": 503, "code": "ServerBusy"})
    with pytest.raises(LiveError, match=r"read the app settings .*503 ServerBusy.*run again in a few minutes"):
        app.settings(Slot.PRODUCTION)
    assert faults_left(arm) == 100 - 1 - QUICK.repeats


def test_azure_can_not_ask_for_more_patience_than_there_is(arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(HttpTransport, "sleep", lambda _, seconds: slept.append(seconds))
    arm.fault(path=SETTINGS_READ, fault={"status": 429, "retryAfter": 3600})
    with opened(arm, limits=CallLimits(longest_pause=30)) as app:
        assert app.settings(Slot.PRODUCTION) == {"Code": "one"}
    assert slept == [30]


def test_an_azure_that_is_not_there_is_told(arm: Arm) -> None:
    cloud = Cloud("http://127.0.0.1:9", arm.url, arm.url, loopback=True)
    with (
        open_app(cloud, FixedCredential(), SUBSCRIPTION_ID, GROUP, "shop", "staging", QUICK) as app,
        pytest.raises(LiveError, match=r"ServiceRequestError: .*check the network"),
    ):
        app.settings(Slot.PRODUCTION)


def test_a_login_that_fails_comes_in_the_logins_own_words(arm: Arm, app: LiveApp) -> None:
    arm.fault(path="/oauth2/v2.0/token", fault={"status": 400})
    with pytest.raises(CloudError, match=r"local Azure's login .* answers 400"):
        app.settings(Slot.PRODUCTION)


class LoggedOut:
    """A credential that has run out, as azure-identity tells it."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        raise ClientAuthenticationError("Please run 'az login'.")


def test_a_login_that_has_run_out_is_no_swap_of_unknown_fate(arm: Arm) -> None:
    cloud = find_cloud({}, {"ARM_METADATA_HOSTNAME": arm.url})
    with open_app(cloud, LoggedOut(), SUBSCRIPTION_ID, GROUP, "shop", "staging", QUICK) as app:
        with pytest.raises(LiveError, match=r"Please run 'az login'\..*What to do: log in, with `az login`"):
            app.settings(Slot.PRODUCTION)
        with pytest.raises(SwapRefusedError, match="Please run 'az login'"):
            app.swap()


def test_no_token_travels_to_another_machine_in_the_open() -> None:
    cloud = Cloud("http://192.0.2.1", "http://192.0.2.1", "x", loopback=True)
    with (
        open_app(cloud, FixedCredential(), SUBSCRIPTION_ID, GROUP, "shop", "staging", QUICK) as app,
        pytest.raises(LiveError, match="not permitted for non-TLS"),
    ):
        app.settings(Slot.PRODUCTION)


def test_local_azure_is_not_asked_through_a_proxy(arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    with opened(arm) as app:
        assert app.settings(Slot.PRODUCTION) == {"Code": "one"}
        assert app.ask(Slot.PRODUCTION, "/", 5) == 200


def test_each_slot_is_asked_at_its_own_host_name(arm: Arm, app: LiveApp) -> None:
    arm.web.web_apps.stop_slot(GROUP, "shop", "staging")
    assert app.ask(Slot.PRODUCTION, "/", 5) == 200
    assert app.ask(Slot.STAGING, "/", 5) == 403
    assert app.ask(Slot.PRODUCTION, "missing", 5) == 404


@pytest.mark.parametrize(("fault", "timeout"), [({"reset": True}, 5), ({"delay": 0.3}, 0.01)], ids=["reset", "delay"])
def test_a_slot_that_does_not_answer_is_told(arm: Arm, app: LiveApp, fault: dict[str, Any], timeout: float) -> None:
    arm.fault(host="shop-staging", path="/up", fault=fault)
    with pytest.raises(LiveError, match=r"https://shop-staging\.azurewebsites\.localhost/up did not answer"):
        app.ask(Slot.STAGING, "/up", timeout)


def test_a_swap_exchanges_the_slots_and_returns_at_its_end(arm: Arm, app: LiveApp) -> None:
    app.swap()
    assert app.settings(Slot.PRODUCTION) == {"Code": "two"}
    assert arm.events("shop")[-1]["phase"] == "swap-completed"
    assert swaps_begun(arm) == 1


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ({"status": 500}, SwapUncertainError, "not known whether it does .500"),
        ({"status": 503, "retryAfter": 1}, SwapUncertainError, "503"),
        ({"status": 504}, SwapUncertainError, "504"),
        ({"status": 408}, SwapUncertainError, "408"),
        ({"status": 429, "retryAfter": 1}, SwapBusyError, "429"),
        ({"reset": True}, SwapUncertainError, "ServiceResponseError"),
        ({"status": 409, "code": "Conflict", "retryAfter": 1}, SwapBusyError, "409 Conflict"),
        ({"status": 400, "code": "BadRequest"}, SwapRefusedError, "refused .400 BadRequest"),
        ({"status": 401}, SwapRefusedError, "log in anew"),
        ({"status": 403}, SwapRefusedError, "give it Microsoft.Web/sites/slotsswap/action"),
        ({"status": 404, "retryAfter": 1}, SwapRefusedError, "404"),
    ],
    ids=str,
)
def test_a_request_for_a_swap_is_sent_once_whatever_is_answered(
    arm: Arm, app: LiveApp, fault: dict[str, Any], error: type[LiveError], says: str
) -> None:
    arm.fault(method="POST", path="slotsswap", times=5, fault=fault)
    with pytest.raises(LiveError, match=says) as raised:
        app.swap()
    assert type(raised.value) is error
    assert faults_left(arm) == 4
    assert swaps_begun(arm) == 0
    assert app.settings(Slot.PRODUCTION) == {"Code": "one"}


def test_a_swap_whose_warm_up_fails_is_refused_in_azures_words(arm: Arm, app: LiveApp) -> None:
    arm.put_settings(
        {"WEBSITE_SWAP_WARMUP_PING_PATH": "/up", "WEBSITE_SWAP_WARMUP_PING_STATUSES": "200"}, slot="staging"
    )
    with pytest.raises(
        SwapRefusedError, match=r"begun and failed \(Conflict: .*answered 404 to the warm-up request at /up"
    ):
        app.swap()
    assert app.settings(Slot.PRODUCTION) == {"Code": "one"}
    assert app.swapping() is False


def test_while_a_swap_goes_on_azure_tells_of_it_and_takes_no_other(
    arm: Arm, app: LiveApp, storage: HeldStorage
) -> None:
    hold_next_swap(arm, storage)
    with opened(arm) as other:
        first = threading.Thread(target=other.swap)
        first.start()
        while not app.swapping():
            assert first.is_alive()
        with pytest.raises(SwapBusyError, match="another operation is in progress"):
            app.swap()
        assert app.settings(Slot.PRODUCTION) == {"Code": "one"}
        storage.free.set()
        first.join(30)
    assert app.swapping() is False
    assert swaps_begun(arm) == 1
    assert arm.settings()["Code"] == "two"


def test_a_swap_that_takes_longer_than_there_is_patience_for_is_uncertain(arm: Arm, storage: HeldStorage) -> None:
    hold_next_swap(arm, storage)
    with opened(arm, limits=CallLimits(poll=0.01, swap=0.01)) as app:
        with pytest.raises(SwapUncertainError, match=r"has not ended in 0\.01 seconds"):
            app.swap()
        storage.free.set()
        while app.swapping():
            pass
        assert arm.settings()["Code"] == "two"


def test_looking_at_a_swap_is_repeated_through_faults_that_pass(arm: Arm, app: LiveApp) -> None:
    arm.fault(path="operationStatuses", times=2, fault={"status": 503})
    arm.fault(path="operationStatuses", fault={"reset": True})
    app.swap()
    assert faults_left(arm) == 0
    assert swaps_begun(arm) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_swap_that_can_not_be_looked_at_is_uncertain(arm: Arm, app: LiveApp, status: int) -> None:
    arm.fault(path="operationStatuses", times=100, fault={"status": status})
    with pytest.raises(SwapUncertainError, match=f"was begun, and it is not known how it ended .{status}"):
        app.swap()


BLUE = "AccountName=shopblue;AccountKey=x"
GREEN = "AccountName=shopgreen;AccountKey=x"
OLD, NEW = "a" * 64, "b" * 64


@pytest.fixture
def look(arm: Arm, app: LiveApp, storage: HeldStorage) -> Callable[[], Observed]:
    """Two releases in the slots, and how to look at them."""
    storage.free.set()
    arm.make_account("packages")
    for slot, package, store in ((None, OLD, BLUE), ("staging", NEW, GREEN)):
        url = storage.put_blob("packages", "zips", f"{package}.zip")
        settings = {"WEBSITE_RUN_FROM_PACKAGE": f"{url}?sig=x", "DurableManagementStorage": store}
        arm.put_settings(settings, slot=slot)
    stores = Stores({Colour.BLUE: "shopblue", Colour.GREEN: "shopgreen"}, "DurableManagementStorage", "Hub")
    return lambda: observe(app.settings, stores)


LIMITS = SwapLimits(timeout=60, settle=0.5, warm_up=30, poll=0.01, longest_poll=0.1)


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"path": "slotsswap", "fault": {"status": 503}},
        {"path": "slotsswap", "fault": {"status": 429, "retryAfter": 1}},
        {"path": "slotsswap", "fault": {"reset": True}},
        {"path": "slotsswap", "fault": {"status": 409}},
        {"path": "operationStatuses", "times": 10, "fault": {"status": 503}},
        {"path": "operationStatuses", "times": 10, "fault": {"reset": True}},
        {"path": "operationResults", "times": 10, "fault": {"status": 500}},
        {"path": SETTINGS_READ, "times": 3, "fault": {"status": 429, "retryAfter": 1}},
    ],
    ids=str,
)
def test_an_exchange_on_local_azure_promotes_once_through_any_fault(
    arm: Arm, app: LiveApp, look: Callable[[], Observed], fault: dict[str, Any]
) -> None:
    before = look()
    if fault:
        arm.fault(**fault)
    for _ in range(2):
        exchange(app, look, NEW, LIMITS, SystemClock(), lambda _: None)
    assert swaps_begun(arm) == 1
    assert look() == Observed(before.staging, before.production)


def test_staging_is_warmed_up_on_local_azure(arm: Arm, app: LiveApp, look: Callable[[], Observed]) -> None:
    look()
    told: list[str] = []
    arm.fault(host="shop-staging", path="/api/up", times=2, fault={"status": 503})
    settings = {"WEBSITE_SWAP_WARMUP_PING_PATH": "/api/up", "WEBSITE_SWAP_WARMUP_PING_STATUSES": "200"}
    warm_up(app, settings, LIMITS, SystemClock(), told.append)
    assert told == ["staging answers 503 at /api/up: waiting for one of 200", "staging answers 200 at /api/up"]


class Stub:
    """What ARM might answer, by method and the end of the path; the last answer to each stays."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], list[tuple[int, Any, dict[str, str]]]] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.bodies: list[bytes] = []
        self.url = ""

    def answer(self, method: str, end: str, status: int, body: Any = None, **headers: str) -> None:
        self.answers.setdefault((method, end), []).append((status, body, headers))

    def take(self, method: str, path: str, host: str) -> tuple[int, Any, dict[str, str]]:
        self.asked.append((method, path, host))
        left = next(left for (how, end), left in self.answers.items() if how == method and path.endswith(end))
        return left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def stubbed() -> Iterator[tuple[Stub, LiveApp]]:
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            stub.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            status, body, headers = stub.take(self.command, self.path.partition("?")[0], self.headers["Host"])
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {
                **headers,
                "Content-Length": str(len(content)),
                "Content-Type": "application/json",
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        cloud = Cloud(stub.url, stub.url, stub.url, loopback=True)
        try:
            with open_app(cloud, FixedCredential(), SUBSCRIPTION_ID, GROUP, "shop", "staging", QUICK) as app:
                yield stub, app
        finally:
            server.shutdown()
            thread.join()


FAILED = {"error": {"code": "WarmUpFailed", "message": "staging did not start; AccountName=a;AccountKey=c2VjcmV0;X=y"}}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, None, None),
        (204, None, None),
        (409, FAILED, SwapRefusedError),
        (400, FAILED, SwapRefusedError),
        (404, None, SwapUncertainError),
        (401, None, SwapUncertainError),
        (500, FAILED, SwapUncertainError),
    ],
)
def test_an_operation_that_is_told_by_its_location_alone_is_followed_to_its_end(
    status: int, body: Any, error: type[LiveError] | None
) -> None:
    with stubbed() as (stub, app):
        stub.answer("POST", "/slotsswap", 202, Location=f"{stub.url}/operation")
        stub.answer("GET", "/operation", 202, Location=f"{stub.url}/operation")
        stub.answer("GET", "/operation", status, body)
        if error is None:
            app.swap()
        else:
            with pytest.raises(LiveError) as raised:
                app.swap()
            assert type(raised.value) is error
            assert str(status) in str(raised.value)
        assert [method for method, *_ in stub.asked].count("POST") == 1


def test_azures_words_are_told_without_the_keys_in_them() -> None:
    with stubbed() as (stub, app):
        stub.answer("POST", "/slotsswap", 400, FAILED)
        with pytest.raises(
            SwapRefusedError, match=r"400 WarmUpFailed: .*AccountName=a;AccountKey=\*\*\*;X=y"
        ) as raised:
            app.swap()
    assert "c2VjcmV0" not in str(raised.value)


def test_the_request_for_a_swap_is_made_at_the_site_and_names_the_slot() -> None:
    with stubbed() as (stub, app):
        stub.answer("POST", "/slotsswap", 200)
        app.swap()
    ((_, path, _),) = stub.asked
    assert json.loads(stub.bodies[0]) == {"targetSlot": "staging", "preserveVnet": True}
    site = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{GROUP}/providers/Microsoft.Web/sites/shop"
    assert path == f"{site}/slotsswap"


def test_an_answer_that_is_no_json_is_told_by_its_status() -> None:
    with stubbed() as (stub, app):
        stub.answer("POST", "/appsettings/list", 418)
        with pytest.raises(LiveError, match=r"\(418 "):
            app.settings(Slot.PRODUCTION)


def test_a_redirect_of_a_slot_is_its_answer_and_not_followed() -> None:
    with stubbed() as (stub, app):
        site = {"name": "shop", "properties": {"defaultHostName": "shop.example"}}
        stub.answer("GET", "/sites/shop", 200, site)
        stub.answer("GET", "/api/up", 302, Location=f"{stub.url}/elsewhere")
        assert app.ask(Slot.PRODUCTION, "//api/up", 5) == 302
        assert app.ask(Slot.PRODUCTION, "/api/up", 5) == 302
        assert [(path, host) for _, path, host in stub.asked][1:] == [("/api/up", "shop.example")] * 2


def test_a_slot_without_a_host_name_is_told() -> None:
    with stubbed() as (stub, app):
        stub.answer("GET", "/slots/staging", 200, {"name": "shop/staging", "properties": {}})
        with pytest.raises(LiveError, match="no host name for the slot staging of shop"):
            app.ask(Slot.STAGING, "/", 5)
