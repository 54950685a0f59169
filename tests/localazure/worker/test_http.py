"""The app's HTTP functions: routes, keys, requests and answers; and how a worker ends."""

from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from localazure.functions.errors import HostError
from localazure.functions.process import WorkerProcess
from tests.localazure.worker.conftest import DEFAULT, MASTER, Launch, TaskHub, document

APP = """
    import json, os, sys, threading

    @app.route(route="orders/{id:int?}", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
    async def orders(req: func.HttpRequest) -> func.HttpResponse:
        told = {"method": req.method, "id": req.route_params.get("id"), "query": req.params.get("q"),
                "body": req.get_body().decode(), "url": req.url, "header": req.headers.get("X-Mine")}
        return func.HttpResponse(json.dumps(told), status_code=202, mimetype="application/json",
                                 headers={"X-Answer": "yes"})

    @app.route(route="files/{*path}", auth_level=func.AuthLevel.ANONYMOUS)
    def files(req: func.HttpRequest) -> str:
        return req.route_params["path"]

    @app.route(auth_level=func.AuthLevel.FUNCTION)
    def guarded(req: func.HttpRequest) -> str:
        return "in"

    @app.route(auth_level=func.AuthLevel.ADMIN)
    def administered(req: func.HttpRequest) -> str:
        return "in"

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    def failing(req: func.HttpRequest) -> str:
        raise ValueError("a secret")

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    def nothing(req: func.HttpRequest):
        return None

    @app.route(route="orders/list", auth_level=func.AuthLevel.ANONYMOUS)
    def listed(req: func.HttpRequest) -> str:
        return "all orders"

    @app.route(route="things", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def read(req: func.HttpRequest) -> func.HttpResponse:
        answer = func.HttpResponse(json.dumps([req.params["a"], req.headers["x-many"]]), mimetype="application/json")
        answer.headers.add("Set-Cookie", "a=1")
        answer.headers.add("Set-Cookie", "b=2")
        return answer

    @app.route(route="things", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    def write(req: func.HttpRequest) -> str:
        return "written"

    both = threading.Barrier(2)

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    def together(req: func.HttpRequest) -> str:
        both.wait(30)
        return "together"

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    def context_of(req: func.HttpRequest, context: func.Context) -> str:
        return f"{context.function_name} in {context.function_directory}"

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    def reads(req: func.HttpRequest) -> str:
        return repr(sys.stdin.read())

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    def off(req: func.HttpRequest) -> str:
        return "on"

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    def environment(req: func.HttpRequest) -> str:
        print("printed")
        return json.dumps(dict(os.environ))

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    @app.durable_client_input(client_name="client")
    async def links(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
        return client.create_check_status_response(req, "abc")
"""


def test_a_request_reaches_its_function_whole(app: Any) -> None:
    answer = app.ask("/api/orders/7?q=a%20b", "POST", content="text", headers={"x-mine": "h", "host": "shop.example"})

    assert answer.status_code == 202
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-answer"] == "yes"
    assert answer.json() == {
        "method": "POST",
        "id": "7",
        "query": "a b",
        "body": "text",
        "url": "http://shop.example/api/orders/7?q=a%20b",
        "header": "h",
    }


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/api/orders", 202, None),
        ("/api/orders/seven", 404, None),
        ("/api/files/a/b.txt", 200, "a/b.txt"),
        ("/api/unknown", 404, None),
        ("/orders", 404, None),
        ("/api/guarded", 401, ""),
        ("/api/guarded?code=wrong", 401, ""),
        (f"/api/guarded?code={DEFAULT}", 200, "in"),
        (f"/api/guarded?code={MASTER}", 200, "in"),
        (f"/api/administered?code={DEFAULT}", 401, ""),
        (f"/api/administered?code={MASTER}", 200, "in"),
        ("/api/failing", 500, ""),
        ("/api/nothing", 500, ""),
        ("/api/off", 404, None),
        ("/API/Orders/7/", 202, None),
        ("/api/orders/list", 200, "all orders"),
        ("/api/guarded?code=system-key", 401, ""),
        ("/api/reads", 200, "''"),
        ("/", 200, "The functions of shop (Production) run.\n"),
    ],
)
def test_a_path_is_answered(app: Any, path: str, status: int, text: str | None) -> None:
    answer = app.ask(path)

    assert answer.status_code == status
    assert text is None or answer.text == text


def test_a_key_may_come_in_a_header(app: Any) -> None:
    assert app.ask("/api/guarded", headers={"x-functions-key": DEFAULT}).status_code == 200


@pytest.mark.parametrize(("path", "method"), [("/api/orders", "DELETE"), ("/api/things", "HEAD")])
def test_a_method_that_no_function_has_isnt_found(app: Any, path: str, method: str) -> None:
    """As in Azure: no 405, and no HEAD where there is a GET."""
    assert app.ask(path, method).status_code == 404


def test_functions_may_share_a_path_with_other_methods(app: Any) -> None:
    assert app.ask("/api/things", "POST").text == "written"


def test_what_comes_more_than_once_goes_both_ways(app: Any) -> None:
    answer = app.ask("/api/things?a=1&a=2", headers=[("x-many", "b"), ("x-many", "c")])

    assert answer.json() == ["1,2", "b,c"]
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.headers["content-type"] == "application/json"


def test_functions_that_are_no_coroutines_run_side_by_side(app: Any) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: app.ask("/api/together", timeout=60), range(2)))

    assert [answer.text for answer in answers] == ["together", "together"]


def test_a_function_gets_the_context_that_it_asks_for(app: Any) -> None:
    told = app.ask("/api/context_of").text

    assert told.startswith("context_of in /")


def test_the_environment_is_the_settings_and_nothing_of_local_azure(app: Any) -> None:
    environment = app.ask("/api/environment").json()

    assert environment["MINE"] == "value"
    assert environment["WEBSITE_SITE_NAME"] == "shop"
    assert environment["WEBSITE_SLOT_NAME"] == "Production"
    assert environment["WEBSITE_HOSTNAME"] == "shop.example"
    assert not [name for name in environment if name.startswith(("ARM_", "PULUMI_", "PYTEST"))]


def test_status_links_lead_to_the_site_that_was_asked(app: Any) -> None:
    answer = app.ask("/api/links", headers={"host": "shop.example"})

    links = answer.json()
    assert answer.status_code == 202
    assert links["id"] == "abc"
    assert links["statusQueryGetUri"] == (
        "http://shop.example/runtime/webhooks/durabletask/instances/abc"
        "?taskHub=ShopHub&connection=DurableManagementStorage&code=system-key"
    )


def test_keys_and_links_are_those_of_the_name_that_a_request_came_to(app: Any) -> None:
    """A swap gives a running worker another slot's name and keys."""
    keys = {"master": "other-master", "default": "other-default"}
    base = "http://shop-staging.example/runtime/webhooks/durabletask"
    site = {"slot": "staging", "managementBase": base, "managementKey": "other-key", "keys": keys}
    there = {"x-localazure-site": json.dumps(site)}

    assert app.ask("/api/guarded", headers={**there, "x-functions-key": "other-default"}).status_code == 200
    assert app.ask("/api/guarded", headers={**there, "x-functions-key": DEFAULT}).status_code == 401
    assert app.ask("/api/links", headers=there).json()["statusQueryGetUri"].endswith("&code=other-key")


def test_the_route_prefix_is_that_of_host_json(launch: Launch) -> None:
    worker = launch(APP, host_json={"extensions": {"http": {"routePrefix": ""}}})

    assert worker.ask("/orders").status_code == 202


def test_functions_are_told_with_their_triggers(app: Any) -> None:
    told = {function["name"]: function for function in app.functions}

    assert told["orders"]["route"] == "orders/{id:int?}"
    assert told["orders"]["kind"] == "httpTrigger"
    assert told["off"]["disabled"] is True


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            '@app.queue_trigger(arg_name="message", queue_name="q", connection="C")\ndef taker(message): ...',
            "function taker has a queueTrigger, which local Azure doesn't run",
        ),
        (
            '@app.route()\n@app.blob_output(arg_name="out", path="a/b", connection="C")\ndef writer(req, out): ...',
            "function writer has a binding blob, which local Azure doesn't run",
        ),
        (
            '@app.orchestration_trigger(context_name="context")\n'
            'def caller(context):\n    yield context.call_http("GET", "http://example.com")',
            "function caller uses call_http: local Azure doesn't run durable HTTP calls",
        ),
        (
            '@app.timer_trigger(arg_name="timer", schedule="every day")\ndef nightly(timer): ...',
            "function nightly: 'every day' is no NCRONTAB expression",
        ),
        (
            '@app.timer_trigger(arg_name="timer", schedule="%WHEN%")\ndef nightly(timer): ...',
            "function nightly names the app setting WHEN, which isn't set",
        ),
        (
            '@app.route(route="a/{b:regex}")\ndef odd(req): ...',
            "function odd: the route constraint 'regex' isn't known",
        ),
        (
            '@app.route()\n@app.durable_client_input(client_name="client", task_hub="OtherHub")\n'
            "async def starter(req, client): ...",
            "function starter has a Durable client with taskHub OtherHub, not ShopHub",
        ),
        (
            '@app.route()\n@app.durable_client_input(client_name="client", connection_name="OtherStorage")\n'
            "async def starter(req, client): ...",
            "function starter has a Durable client with connectionName OtherStorage, not DurableManagementStorage",
        ),
        (
            '@app.timer_trigger(arg_name="timer", schedule="0 * * * * *")\n'
            '@app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:01")\n'
            "def nightly(timer): ...",
            "function nightly has a retry policy, which local Azure doesn't run",
        ),
        (
            "import localazure.arm, durable",
            "function_app.py can't be imported: ModuleNotFoundError: No module named 'durable'",
        ),
        ("import nothing_of_this_name", "function_app.py can't be imported: ModuleNotFoundError"),
        ("app = None", "function_app.py must have one FunctionApp or DFApp; it has 0"),
    ],
)
def test_what_isnt_run_is_refused_by_name(launch: Launch, source: str, problem: str) -> None:
    with pytest.raises(HostError, match=re.escape(problem)):
        launch(source)


def test_a_client_may_name_the_hub_that_the_app_has(launch: Launch) -> None:
    worker = launch(
        """
        @app.route(auth_level=func.AuthLevel.ANONYMOUS)
        @app.durable_client_input(client_name="client", task_hub="%HUB%", connection_name="DurableManagementStorage")
        async def links(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
            return client.create_check_status_response(req, "abc")
        """,
        settings={"HUB": "shophub"},
    )

    assert worker.ask("/api/links").status_code == 202


def test_what_app_service_adds_is_in_the_environment_too(hub: TaskHub, tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(
        "import os\nimport azure.functions as func\napp = func.FunctionApp()\n"
        "@app.route(auth_level=func.AuthLevel.ANONYMOUS)\n"
        "def where(req: func.HttpRequest) -> str: return os.environ['IDENTITY_ENDPOINT']\n"
    )
    told = document(hub, tmp_path, {}) | {"environment": {"IDENTITY_ENDPOINT": "http://127.0.0.1:9/token"}}
    process = WorkerProcess(told, tmp_path / "log")
    try:
        answer = httpx.get(f"http://127.0.0.1:{process.ready().port}/api/where", trust_env=False)
    finally:
        process.kill()

    assert answer.text == "http://127.0.0.1:9/token"


def test_it_ends_with_local_azure_while_it_loads_the_app(hub: TaskHub, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(
        f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(600)\n"
    )
    process = WorkerProcess(document(hub, tmp_path, {}), tmp_path / "log")
    while not begun.exists():
        assert process.exit_code is None

    process.leave()

    assert process.wait() == 0


def test_it_ends_when_local_azure_is_gone(launch: Launch) -> None:
    worker = launch(APP)

    worker.process.leave()

    assert worker.process.wait() == 0


def test_a_worker_that_is_told_to_end_answers_first(launch: Launch, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    worker = launch(
        f"""
        import asyncio, pathlib

        @app.route(auth_level=func.AuthLevel.ANONYMOUS)
        async def slow(req: func.HttpRequest) -> str:
            pathlib.Path({str(gate)!r}).touch()
            await asyncio.sleep(0.3)
            return "answered"
        """
    )
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(worker.ask("/api/slow")))
    asking.start()
    while not gate.exists():
        assert worker.process.exit_code is None

    worker.process.end()

    asking.join()
    assert [answer.text for answer in answers] == ["answered"]
    assert worker.process.exit_code is not None


def test_what_an_app_prints_isnt_taken_for_an_answer(app: Any) -> None:
    assert app.ask("/api/environment").status_code == 200

    assert "printed" in app.log.read_text()


def test_the_apps_own_packages_come_first(hub: TaskHub, tmp_path: Path) -> None:
    own = tmp_path / ".python_packages" / "lib" / "site-packages"
    own.mkdir(parents=True)
    (own / "httpx.py").write_text("MINE = 'from the package'")
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\nimport httpx\napp = func.FunctionApp()\n"
        "@app.route(auth_level=func.AuthLevel.ANONYMOUS)\ndef whose(req: func.HttpRequest) -> str: return httpx.MINE\n"
    )
    process = WorkerProcess(document(hub, tmp_path, {}), tmp_path / "log")
    try:
        answer = httpx.get(f"http://127.0.0.1:{process.ready().port}/api/whose", trust_env=False)
    finally:
        process.kill()

    assert answer.text == "from the package"


@pytest.fixture(scope="module")
def app(shared_launch: Launch) -> Any:
    return shared_launch(APP, settings={"MINE": "value", "AzureWebJobs.off.Disabled": "true"})
