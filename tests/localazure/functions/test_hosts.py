"""The worker of each slot: when there is one, what it runs with, and who answers meanwhile."""

from __future__ import annotations

import hashlib
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from localazure.hubs.table import Place
from tests.localazure.conftest import GROUP, Arm, serving
from tests.localazure.functions.conftest import HOST_JSON, WORKER, Shop, zipped
from tests.localazure.storage import MemoryStorage

ORDER = {"orchestrators": {"Order": ["reserve", "charge"]}}
ONE = zipped(ORDER)
TWO = zipped({"orchestrators": {"Order": ["charge", "reserve"]}})
WAITING = zipped({"orchestrators": {"Order": ["event:go"]}})


def ended(pid: int) -> None:
    """Wait until a process has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], 30)[0], f"process {pid} still runs"
    finally:
        os.close(descriptor)


def completed(shop: Shop, instance_id: str, slot: str = "production") -> dict[str, Any]:
    """Wait on the hub itself until an instance has ended."""
    from durabletask.client import TaskHubGrpcClient

    worker = shop.worker(slot)
    address = shop.hubs()[worker["account"]]["address"]
    with TaskHubGrpcClient(host_address=address) as client:
        client.wait_for_orchestration_completion(instance_id, timeout=30)
    told: dict[str, Any] = shop.manage(f"/instances/{instance_id}", slot=slot).json()
    return told


def on_hubs(events: list[dict[str, Any]]) -> list[set[str]]:
    """The packages on the hub of `blue`, after each time that a worker joined or left it."""
    at_work: dict[str, str] = {}
    seen = []
    for event in events:
        host = event["host"]
        if host.get("account") != "blue":
            continue
        if event["phase"] == "hub-joined":
            at_work[host["worker"]] = host["package"]
        elif event["phase"] == "hub-left":
            del at_work[host["worker"]]
        else:
            continue
        seen.append(set(at_work.values()))
    return seen


@contextmanager
def asking(ask: Callable[[], int]) -> Iterator[list[int]]:
    """Ask all the while; gives the statuses."""
    done = threading.Event()
    statuses: list[int] = []

    def visit() -> None:
        while not done.is_set():
            statuses.append(ask())

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        yield statuses
    finally:
        done.set()
        visitor.join()


def test_requests_reach_the_worker_as_they_were_sent_and_the_root_tells_what_runs(shop: Shop) -> None:
    shop.run(ONE, "blue")
    host = "shop.azurewebsites.localhost:81"
    answer = shop.arm.http.post("/api/o%2Frder?x=1&y=%20", content=b"{}", headers={"Host": host})
    told = answer.json()
    assert (told["path"], told["host"], told["body"]) == ("/api/o%2Frder?x=1&y=%20", host, "{}")
    told = shop.arm.site("shop").json()
    assert (told["site"], told["package"]) == ("shop", hashlib.sha256(ONE).hexdigest())


def test_a_worker_is_told_its_app_its_settings_its_hub_and_its_keys(shop: Shop) -> None:
    shop.run(ONE, "blue", "staging", Extra="1")
    start = shop.arm.site("shop-staging", "/api").json()["start"]
    assert Path(start["folder"], "functions.json").is_file()
    assert (start["site"], start["slot"], start["settings"]["Extra"]) == ("shop", "staging", "1")
    assert start["hub"] == {"name": "OrdersHub", "address": shop.hubs()["blue"]["address"]}
    assert (start["connectionName"], start["managementKey"]) == ("Store", shop.keys("staging")["durabletask_extension"])
    assert start["managementBase"].endswith("/runtime/webhooks/durabletask")
    assert start["keys"]["master"] == shop.keys("staging")["master"]


def test_its_durable_client_reaches_its_hub_without_a_key(shop: Shop) -> None:
    shop.run(ONE, "blue")
    rpc = shop.arm.site("shop", "/api").json()["start"]["rpc"]
    # As azure-functions-durable does: JSON of what is JSON already.
    made = shop.arm.http.post(f"{rpc}orchestrators/Order/one", json='{"item": "lamp"}')
    assert made.status_code == 202
    assert shop.arm.http.get(f"{rpc}instances/one").json()["input"] == {"item": "lamp"}
    assert made.json()["statusQueryGetUri"].startswith("http://shop.azurewebsites.localhost:")
    assert completed(shop, "one")["output"] == ["reserve", "charge"]
    unknown = shop.arm.http.post(f"{rpc}orchestrators/Other")
    assert (unknown.status_code, "doesn't exist" in unknown.json()["ExceptionMessage"]) == (400, True)
    assert shop.arm.http.get(f"{rpc[:-5]}nobody/instances/one").status_code == 404


def test_a_new_worker_answers_before_the_old_one_ends_and_joins_the_hub_after_it_has(shop: Shop) -> None:
    shop.run(ONE, "blue")
    old = shop.worker()
    with asking(lambda: shop.arm.site("shop", "/api").status_code) as statuses:
        shop.run(ONE, "blue", Extra="1")
    new = shop.worker()
    assert set(statuses) == {200}
    assert new["pid"] != old["pid"]
    ended(old["pid"])
    seen = [(event["phase"], event["host"]["worker"]) for event in shop.host_events()]
    assert seen[-3:] == [
        ("host-started", new["worker"]),
        ("hub-left", old["worker"]),
        ("hub-joined", new["worker"]),
    ]


def test_a_request_under_way_is_finished_by_the_worker_that_has_it(shop: Shop) -> None:
    shop.run(zipped({**ORDER, "slow": 1}), "blue")
    old = shop.worker()["pid"]
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(shop.arm.site("shop", "/api")))
    asking.start()
    shop.run(ONE, "blue")
    asking.join()
    # Whether it came before the change or after it, it is answered.
    assert answers[0].status_code == 200
    ended(old)


def test_a_swap_carries_the_worker_over_and_no_hub_meets_two_packages(shop: Shop) -> None:
    shop.run(ONE, "blue")
    shop.run(TWO, "green", "staging")
    with asking(lambda: shop.arm.site("shop", "/api").status_code) as statuses:
        for _ in range(2):
            shop.swap()
        shop.swap()
    assert set(statuses) == {200}
    production, staging = shop.worker(), shop.worker("staging")
    assert (production["account"], staging["account"]) == ("green", "blue")
    assert all(len(packages) <= 1 for packages in on_hubs(shop.host_events()))
    told = shop.arm.site("shop", "/api").json()
    assert told["start"]["slot"] == "staging"
    assert told["site"]["slot"] == "Production"
    assert told["site"]["managementKey"] == shop.keys()["durabletask_extension"]


def test_after_a_swap_an_old_url_leads_to_the_other_store_and_the_instance_goes_on_in_staging(shop: Shop) -> None:
    shop.run(WAITING, "blue")
    shop.run(TWO, "green", "staging")
    made = shop.manage("/orchestrators/Order/one", "POST").json()
    query = dict(part.split("=") for part in made["statusQueryGetUri"].partition("?")[2].split("&"))
    assert shop.manage("/instances/one", params=query).status_code == 202
    shop.swap()
    assert shop.manage("/instances/one", params=query).status_code == 404
    assert shop.manage("/instances/one/raiseEvent/go", "POST", "staging", json=3).status_code == 202
    assert completed(shop, "one", "staging")["output"] == [3]


def test_a_sticky_connection_has_the_new_package_meet_the_old_hub(shop: Shop) -> None:
    shop.run(ONE, "blue")
    shop.run(TWO, "green", "staging")
    shop.arm.web.web_apps.update_slot_configuration_names(GROUP, "shop", {"properties": {"appSettingNames": ["Store"]}})
    shop.swap()
    shop.settle()
    assert any(len(packages) == 2 for packages in on_hubs(shop.host_events()))


def test_two_slots_on_one_hub_are_both_at_work_on_it(shop: Shop) -> None:
    shop.run(ONE, "blue")
    shop.run(TWO, "blue", "staging")
    assert len(on_hubs(shop.host_events())[-1]) == 2


def test_an_activity_that_runs_when_its_worker_is_killed_is_run_again(shop: Shop, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    shop.run(zipped({"orchestrators": {"Order": [str(gate)]}}), "blue")
    shop.manage("/orchestrators/Order/one", "POST")
    worker = shop.worker()
    os.kill(worker["pid"], signal.SIGKILL)
    ended(worker["pid"])
    gate.touch()
    assert completed(shop, "one")["output"] == [str(gate)]
    died = next(event for event in shop.host_events() if event["phase"] == "host-ended")
    assert died["host"]["exitCode"] == -signal.SIGKILL
    assert shop.worker()["pid"] != worker["pid"]
    assert shop.arm.site("shop", "/api").status_code == 200


def test_a_stopped_and_a_deleted_slot_have_no_worker(shop: Shop) -> None:
    shop.run(ONE, "blue")
    shop.run(TWO, "green", "staging")
    apps = shop.arm.web.web_apps
    pids = [shop.worker(slot)["pid"] for slot in ("production", "staging")]
    apps.stop(GROUP, "shop")
    apps.delete_slot(GROUP, "shop", "staging")
    for pid in pids:
        ended(pid)
    assert shop.settle() == []
    assert [event["phase"] for event in shop.host_events()][-2:] == ["hub-left", "hub-left"]
    apps.start(GROUP, "shop")
    assert shop.arm.site("shop", "/api").status_code == 200
    shop.arm.resources.resource_groups.begin_delete(GROUP).result()
    assert shop.settle() == []


def test_a_slot_without_functions_needs_no_worker(shop: Shop) -> None:
    settings = shop.settings(ONE, "blue")
    url = shop.arm.storage.put_blob("packages", "packages", "empty.zip")
    shop.arm.put_settings({**settings, "WEBSITE_RUN_FROM_PACKAGE": f"{url}?sig=x"})
    assert shop.worker()["standing"] == "idle"
    assert shop.arm.site("shop", "/api/x").status_code == 200
    assert shop.host_events() == []


@pytest.mark.parametrize(
    ("changes", "host_json", "slot", "words"),
    [
        ({"Store": ""}, None, None, "No app setting is the connection Store; set Store."),
        ({"Store": "AccountName=blue;AccountKey=eA=="}, None, None, "has no key that the storage account blue has now"),
        ({"Store": "AccountName=nobody;AccountKey=eA=="}, None, None, "nobody, which doesn't exist"),
        ({}, {"extensions": {"durableTask": {"hubName": "%Hub%"}}}, None, "app setting Hub, which isn't set"),
        ({}, {}, "staging", "Task Hub name must be specified in host.json when using slots"),
        ({"AzureWebJobsStorage": "AccountName=blue;AccountKey=eA=="}, None, None, "The connection AzureWebJobsStorage"),
    ],
)
def test_a_host_that_cannot_start_says_why_at_the_site_and_in_the_log(
    shop: Shop, changes: dict[str, str], host_json: dict[str, Any] | None, slot: str | None, words: str
) -> None:
    storage = {"AzureWebJobsStorage": shop.connection("blue")}
    shop.run(zipped(ORDER, host_json), "blue", slot, **{**storage, **changes})
    label = "shop" if slot is None else f"shop-{slot}"
    answer = shop.arm.site(label, "/api")
    assert (answer.status_code, words in answer.json()["error"]) == (503, True), answer.text
    events = shop.host_events()
    assert [(event["phase"], words in event["host"]["problem"]) for event in events] == [("host-failed", True)]


def test_a_package_that_does_not_load_is_told_in_its_own_words(shop: Shop) -> None:
    shop.run(zipped({"fail": "function_app.py uses fetch, which isn't supported."}), "blue")
    answer = shop.arm.site("shop", "/api")
    assert answer.status_code == 503
    assert "uses fetch, which isn't supported" in answer.json()["error"]
    shop.run(ONE, "blue")
    assert shop.arm.site("shop", "/api").status_code == 200


def test_a_host_whose_package_comes_later_starts_at_the_next_request(shop: Shop) -> None:
    settings = shop.settings(ONE, "blue")
    content = dict(shop.arm.storage.blobs)
    shop.arm.storage.blobs.clear()
    shop.arm.put_settings(settings)
    assert "there is no blob" in shop.arm.site("shop", "/api").json()["error"]
    shop.arm.storage.blobs.update(content)
    assert shop.arm.site("shop", "/api").status_code == 200


def test_a_package_is_unpacked_once_for_all_slots(shop: Shop, tmp_path: Path) -> None:
    shop.run(ONE, "blue")
    shop.run(ONE, "green", "staging")
    assert len(list((tmp_path / "functions" / "packages").iterdir())) == 1


def test_the_durable_api_wants_the_key_of_the_slot(shop: Shop) -> None:
    shop.run(ONE, "blue")
    assert shop.manage("/instances", code="").status_code == 401
    assert shop.manage("/instances", code=shop.keys("staging")["durabletask_extension"]).status_code == 401
    assert shop.manage("/instances", code=shop.keys()["master"]).status_code == 200


def test_after_a_restart_of_local_azure_workers_run_again_and_orchestrations_are_failed(tmp_path: Path) -> None:
    database, storage = tmp_path / "arm.sqlite", MemoryStorage()
    place = Place("blue", "OrdersHubInstances")
    with serving(database, storage, worker=WORKER) as arm:
        arm.make_group()
        shop = made(arm)
        shop.run(WAITING, "blue")
        shop.manage("/orchestrators/Order/one", "POST")
        pid = shop.worker()["pid"]
    ended(pid)
    with serving(database, storage, worker=WORKER) as arm:
        shop = Shop(arm)
        assert shop.worker()["standing"] == "serving"
        row = storage.hubs.await_row(place, "one", lambda row: row["RuntimeStatus"] == "Failed")
        assert "Local Azure was restarted" in row["Output"]
        assert [event["phase"] for event in shop.host_events()][2:] == ["hub-left", "host-started", "hub-joined"]


def made(arm: Arm) -> Shop:
    for account in ("packages", "blue", "green"):
        arm.make_account(account)
    arm.make_site()
    arm.make_slot()
    return Shop(arm)


def test_a_worker_ends_with_local_azure_however_that_ends(tmp_path: Path) -> None:
    (tmp_path / "functions.json").write_text("{}")
    program = (
        "import sys; from pathlib import Path; from localazure.functions.process import WorkerProcess as W;"
        f"w = W({{'folder': {str(tmp_path)!r}}}, Path({str(tmp_path / 'log')!r}), {WORKER!r});"
        "w.ready(); print(w.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    ended(pid)


def test_host_json_is_read_as_the_extension_reads_it(shop: Shop) -> None:
    hub = {"AzureFunctionsJobHost__extensions__durableTask__hubName": "OtherHub"}
    shop.run(zipped(ORDER, HOST_JSON), "blue", **hub)
    assert shop.hubs()["blue"]["hub"] == "OtherHub"
