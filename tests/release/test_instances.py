"""The reading of Instances tables by Microsoft's own client, over a table service that answers within the process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import requests
import urllib3
from azure.core import PipelineClient
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.core.rest import HttpRequest
from requests.adapters import HTTPAdapter

from durable.instance_ids import to_partition_key
from release.cloud import Cloud
from release.drain import State, wait_until_drained
from release.instances import Instance, Instances, Listing, StoreUnknownError, open_store
from release.login import LoopbackCredential
from release.patience import Patience
from release.tables import _Transport
from tests.loopback import Answer, Request, answering
from tests.release.clock import FakeClock

Row = Mapping[str, Any]

KEY = "c2VjcmV0IGtleQ=="
BY_KEY = {"X": f"AccountName=blue1;AccountKey={KEY}"}
BY_SIGNATURE = {"X": "TableEndpoint=https://blue1.table.core.windows.net;SharedAccessSignature=sv=1&sig=s3cr3t"}
BY_IDENTITY = {"X__accountName": "blue1"}
CREATED = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
ACTIVE = ("Pending", "Running", "Suspended", "ContinuedAsNew")
FINISHED = ("Completed", "Failed", "Canceled", "Terminated")


def a_row(instance_id: str, status: str | None = "Running", **columns: Any) -> Row:
    """A row as the service gives it; a status of None is a column that the row lacks."""
    row = {
        "PartitionKey": to_partition_key(instance_id),
        "Name": "process_order",
        "CreatedTime@odata.type": "Edm.DateTime",
        "CreatedTime": "2026-07-01T08:00:00.0000000Z",
    }
    return {**row, **({} if status is None else {"RuntimeStatus": status}), **columns}


def an_instance(instance_id: str, status: str = "Running", hub: str = "Orders") -> Instance:
    return Instance(hub, instance_id, "process_order", status, CREATED)


@dataclass
class TableService(HTTPAdapter):
    """A table service as `requests` sees it: tables of pages of rows, lists of tables in pages, a log of requests.

    `failing` may answer a request in its place, or raise what `requests` raises.
    """

    tables: dict[str, list[list[Row]]]
    table_pages: Sequence[Sequence[str]] | None = None
    failing: Callable[[str], requests.Response | None] = lambda _: None
    columns: str = "PartitionKey,Name,RuntimeStatus,CreatedTime"
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        url = urlsplit(str(request.url))
        path, query = unquote(url.path).strip("/"), {name: texts[0] for name, texts in parse_qs(url.query).items()}
        asked = f"{path} {query.get('NextPartitionKey', query.get('NextTableName', ''))}".strip()
        self.log.append(asked)
        failed = self.failing(asked)
        answered = failed if failed is not None else self._answer(path, query)
        answered.url, answered.request = str(request.url), request
        return answered

    def _answer(self, path: str, query: Mapping[str, str]) -> requests.Response:
        if path == "Tables":
            pages: Sequence[Sequence[str]] = self.table_pages if self.table_pages is not None else [list(self.tables)]
            page = int(query.get("NextTableName", "0"))
            more = {"x-ms-continuation-NextTableName": str(page + 1)} if page + 1 < len(pages) else {}
            return an_answer(200, {"value": [{"TableName": name} for name in pages[page]]}, more)
        name, _, key = path.partition("(")
        self.expect(query)
        if name not in self.tables:
            return a_refusal(404, "TableNotFound")
        if key == ")":
            page = int(query.get("NextPartitionKey", "0"))
            more = {"x-ms-continuation-NextPartitionKey": str(page + 1)} if page + 1 < len(self.tables[name]) else {}
            return an_answer(200, {"value": self.tables[name][page]}, more)
        wanted = key.removeprefix("PartitionKey='").removesuffix("',RowKey='')").replace("''", "'")
        rows = (row for page in self.tables[name] for row in page if row["PartitionKey"] == wanted)
        found = next(rows, None)
        return a_refusal(404, "ResourceNotFound") if found is None else an_answer(200, found)

    def expect(self, query: Mapping[str, str]) -> None:
        """What is asked of a table, beside the page."""
        assert query["$select"] == self.columns
        assert "$filter" not in query


def an_answer(status: int, body: object, headers: Mapping[str, str] | None = None) -> requests.Response:
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/html" if isinstance(body, str) else "application/json"
    raw = urllib3.HTTPResponse(
        BytesIO(text.encode()), {"Content-Type": kind, **(headers or {})}, status, preload_content=False
    )
    return HTTPAdapter().build_response(requests.Request("GET", "https://blue1").prepare(), raw)


def a_refusal(status: int, code: str, **headers: str) -> requests.Response:
    message = {"lang": "en-US", "value": f"It failed.\nSignature: {KEY}"}
    return an_answer(status, {"odata.error": {"code": code, "message": message}}, headers)


class Credential:
    """An identity that gets a token, or the error that it is made with."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        if self._error:
            raise self._error
        return AccessToken("a-token", 2_000_000_000)


def opened(service: HTTPAdapter, settings: Mapping[str, str] = BY_KEY, error: Exception | None = None) -> Instances:
    return open_store(settings, "X", lambda: Credential(error), transport=transport(service))


def transport(service: HTTPAdapter) -> _Transport:
    """The transport that `open_store` makes, over a service in this process."""
    session = requests.Session()
    session.mount("https://", service)
    return _Transport(session=session, session_owner=False)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """What the library sleeps between two tries, in seconds; it doesn't sleep."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept  # type: ignore[return-value]


def active(*rows: Row) -> tuple[Instance, ...]:
    return opened(TableService({"OrdersInstances": [list(rows)]})).all().active


def problem(store: Instances) -> str:
    with pytest.raises(StoreUnknownError) as raised:
        store.all()
    assert raised.value.account == "blue1"
    return str(raised.value)


@pytest.mark.parametrize("status", [*ACTIVE, "Paused", "running", "completed", ""])
def test_an_instance_is_active_in_each_active_status_and_in_one_that_nobody_knows(status: str) -> None:
    assert active(a_row("a", status)) == (an_instance("a", status),)


@pytest.mark.parametrize("row", [a_row("a", None), a_row("a", None, RuntimeStatus=None)])
def test_an_instance_without_a_status_is_active(row: Row) -> None:
    assert active(row) == (an_instance("a", ""),)


@pytest.mark.parametrize("status", FINISHED)
def test_a_finished_instance_is_not_active(status: str) -> None:
    assert active(a_row("a", status)) == ()


@pytest.mark.parametrize("status", [*ACTIVE, None])
def test_an_entity_is_not_active(status: str | None) -> None:
    assert active(a_row("@counter@1", status), a_row("@counter@", status)) == ()


def test_an_id_that_only_looks_like_an_entity_is_active() -> None:
    assert [instance.id for instance in active(a_row("@counter"), a_row("@@x"), a_row("a@b@c"))] == [
        "@counter",
        "@@x",
        "a@b@c",
    ]


def test_a_row_without_a_name_or_a_time_is_active() -> None:
    assert active({"PartitionKey": "a", "RuntimeStatus": "Running"}) == (Instance("Orders", "a", "", "Running", None),)


@pytest.mark.parametrize("pages", [2, 3, 5])
def test_an_active_instance_on_the_last_page_is_found_behind_empty_ones(pages: int) -> None:
    service = TableService({"OrdersInstances": [*([[]] * (pages - 1)), [a_row("a")]]})
    assert opened(service).all() == Listing(("Orders",), (an_instance("a"),), 1)
    assert len(service.log) == 1 + pages


def test_every_page_is_read_even_after_an_active_instance_was_found() -> None:
    rows = [[a_row("a"), a_row("b", "Failed")], [], [a_row("c", "Pending"), a_row("@e@1")], []]
    listing = opened(TableService({"OrdersInstances": rows})).all()
    assert listing == Listing(("Orders",), (an_instance("a"), an_instance("c", "Pending")), 4)


def test_every_hub_in_the_store_counts_and_no_other_table_is_read() -> None:
    rows = [[a_row("a")]]
    service = TableService(
        {"ShopInstances": rows, "Instances": rows, "OrdersHistory": rows, "OrdersInstances": rows, "Partitions": rows}
    )
    listing = opened(service).all()
    assert listing == Listing(("Orders", "Shop"), (an_instance("a"), an_instance("a", hub="Shop")), 2)
    assert service.log == ["Tables", "OrdersInstances()", "ShopInstances()"]


def test_a_hub_on_the_second_page_of_tables_counts_behind_an_empty_one() -> None:
    service = TableService({"OrdersInstances": [[a_row("a")]]}, table_pages=[["Other"], [], ["OrdersInstances"]])
    assert opened(service).all().active == (an_instance("a"),)


def test_a_store_without_tables_has_no_hub() -> None:
    assert opened(TableService({})).all() == Listing((), (), 0)


@pytest.mark.parametrize("instance_id", ["a/b", "a^b", "a#?\\", "it's 100 %", "a\x00b", "\u00fcber ich", "a+b&c=d"])
def test_an_id_is_read_back_from_its_key_and_asked_again_under_it(instance_id: str) -> None:
    service = TableService({"OrdersInstances": [[a_row(instance_id)]]})
    store = opened(service)
    found = store.all().active
    assert found == (an_instance(instance_id),)
    assert store.still_active(found) == found


def test_a_key_that_durable_functions_does_not_write_is_unknown_if_its_row_is_active() -> None:
    text = problem(opened(TableService({"OrdersInstances": [[a_row("a", PartitionKey="a^9")]]})))
    assert "the task hub Orders has a row whose partition key, 'a^9', Durable Functions doesn't write" in text
    assert active(a_row("a", "Completed", PartitionKey="a^9")) == ()


def test_looking_again_tells_the_statuses_of_now_and_leaves_out_what_is_finished_or_gone() -> None:
    rows = [a_row("a", "Suspended"), a_row("b", "Completed"), a_row("d", None), a_row("@e@1"), a_row("new")]
    service = TableService({"OrdersInstances": [rows], "ShopInstances": [[a_row("a")]]})
    known = [an_instance(instance_id, "Pending") for instance_id in ("a", "b", "c", "d")]
    seen = opened(service).still_active([*known, an_instance("a", "Pending", "Shop")])
    assert seen == (an_instance("a", "Suspended"), an_instance("d", ""), an_instance("a", hub="Shop"))


def test_looking_again_costs_one_request_for_each_instance_and_lists_nothing() -> None:
    service = TableService({"OrdersInstances": [[a_row("a"), a_row("b"), a_row("c")], []]})
    opened(service).still_active([an_instance("a"), an_instance("c"), an_instance("gone")])
    keys = ("a", "c", "gone")
    assert sorted(service.log) == [f"OrdersInstances(PartitionKey='{key}',RowKey='')" for key in keys]


def test_a_wait_reads_the_tables_once_then_only_what_was_active_then_the_tables_again() -> None:
    """Cost: a poll's requests are as many as the active instances."""
    busy = [[a_row("a"), a_row("b")], *([[a_row(f"old-{n}", "Completed")] for n in range(20)])]
    service = TableService({"OrdersInstances": busy})
    polls: list[list[str]] = []

    def finish(_: object) -> None:
        polls.append(sorted(request for request in service.log))
        service.log.clear()
        if len(polls) == 3:
            service.tables["OrdersInstances"][0] = [a_row("a", "Failed"), a_row("b", "Completed")]

    verdict = wait_until_drained(opened(service), Patience(100, 0, 1), FakeClock(), finish)
    assert verdict.state is State.DRAINED
    two = [f"OrdersInstances(PartitionKey='{key}',RowKey='')" for key in "ab"]
    assert [len(poll) for poll in polls] == [22, 2, 2, 24]
    assert polls[1:3] == [two, two]


@pytest.mark.parametrize("settings", [BY_KEY, BY_SIGNATURE, BY_IDENTITY])
@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "AuthorizationFailure", "network rules"),
        (403, "KeyBasedAuthenticationNotPermitted", "connect by identity"),
        (404, "TableNotFound", "a table is being deleted"),
        (404, "ResourceNotFound", "check the account's address"),
        (409, "TableBeingDeleted", "a table is being deleted"),
        (429, "TooManyRequests", "too much to do"),
        (503, "ServerBusy", "too much to do"),
        (500, "InternalError", "failing"),
        (504, "", "try again later"),
        (400, "InvalidInput", "check the account's address"),
    ],
)
def test_a_service_that_refuses_is_unknown_with_its_code_and_what_to_do(
    settings: dict[str, str], status: int, code: str, words: str
) -> None:
    service = TableService({"OrdersInstances": [[]]}, failing=lambda _: a_refusal(status, code))
    text = problem(opened(service, settings))
    shown = f"{status} ({code})" if code else f"{status}"
    assert f"storage account blue1: the table service answered {shown} while listing the tables; " in text
    assert words in text
    assert_no_secret(text)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (BY_KEY, "put the account's present key, or a signature that may list and read tables, into the connection"),
        (BY_SIGNATURE, "put the account's present key, or a signature that may list and read tables"),
        (BY_IDENTITY, "give the identity that runs this the role Storage Table Data Reader on the account"),
    ],
)
@pytest.mark.parametrize(
    ("status", "code"), [(403, "AuthenticationFailed"), (403, "AuthorizationPermissionMismatch"), (401, "InvalidToken")]
)
def test_missing_rights_name_what_is_missing(settings: dict[str, str], words: str, status: int, code: str) -> None:
    text = problem(opened(TableService({}, failing=lambda _: a_refusal(status, code)), settings))
    assert f"answered {status} ({code})" in text
    assert words in text
    assert_no_secret(text)


@pytest.mark.parametrize("settings", [BY_KEY, BY_SIGNATURE, BY_IDENTITY])
@pytest.mark.parametrize(
    ("error", "words", "tries"),
    [
        (requests.exceptions.ConnectTimeout, "the table service didn't answer in time", 3),
        (requests.exceptions.ReadTimeout, "the table service didn't answer in time", 2),
        (requests.exceptions.ConnectionError, "the table service can't be reached", 3),
        (requests.exceptions.ChunkedEncodingError, "the table service's answer broke off or can't be read", 4),
        (requests.exceptions.InvalidHeader, "the table service's answer broke off or can't be read", 2),
    ],
)
def test_a_service_that_does_not_answer_is_unknown_after_a_few_tries(
    settings: dict[str, str], error: type[Exception], words: str, tries: int
) -> None:
    def fail(asked: str) -> None:
        raise error(f"no answer from https://blue1.table.core.windows.net/{asked}?sv=1&sig=s3cr3t with {KEY}")

    service = TableService({"OrdersInstances": [[]]}, failing=fail)
    text = problem(opened(service, settings))
    assert f"{words} while listing the tables; " in text
    assert "check the account's address, its network rules, and this machine's network" in text
    assert_no_secret(text)
    assert len(service.log) == tries


@pytest.mark.parametrize(
    "body", ["<html>Please sign in</html>", "", {}, {"value": None}, {"value": [7]}, {"error": "none"}, [1], "{"]
)
def test_a_proxy_that_answers_in_place_of_the_service_is_unknown(body: object) -> None:
    text = problem(opened(TableService({}, failing=lambda _: an_answer(200, body))))
    assert " while listing the tables; " in text
    assert "answered 200" not in text
    assert "check the account's address" in text


def test_an_answer_that_breaks_off_is_unknown() -> None:
    half = an_answer(200, '{"value": [', {"Content-Type": "application/json"})
    text = problem(opened(TableService({}, failing=lambda _: half)))
    assert "the table service's answer broke off or can't be read while listing the tables; try again" in text


def test_a_failure_on_a_later_page_is_unknown_though_the_first_was_read() -> None:
    service = TableService({"OrdersInstances": [[], [], []]})
    service.failing = lambda asked: a_refusal(503, "ServerBusy") if asked.endswith(" 2") else None
    assert "answered 503 (ServerBusy) while reading the task hub Orders" in problem(opened(service))


def test_a_table_that_vanishes_while_the_store_is_read_is_unknown() -> None:
    service = TableService({"OrdersInstances": [[]]}, table_pages=[["OrdersInstances", "ShopInstances"]])
    assert "answered 404 (TableNotFound) while reading the task hub Shop" in problem(opened(service))


def test_a_table_that_vanishes_between_two_readings_is_unknown_not_an_instance_that_is_gone() -> None:
    with pytest.raises(StoreUnknownError, match=r"404 \(TableNotFound\) while reading an instance of the task hub"):
        opened(TableService({})).still_active([an_instance("a")])


def test_an_answer_of_404_in_unknown_words_is_no_instance_that_is_gone() -> None:
    service = TableService({"OrdersInstances": [[a_row("a")]]}, failing=lambda _: an_answer(404, "<html/>"))
    with pytest.raises(StoreUnknownError, match="answered 404 while"):
        opened(service).still_active([an_instance("a")])


def test_one_instance_that_cannot_be_read_makes_all_unknown_and_ends_the_reading() -> None:
    ids = [f"{number:03}" for number in range(500)]
    service = TableService({"OrdersInstances": [[a_row(instance_id) for instance_id in ids]]})
    service.failing = lambda asked: a_refusal(403, "AuthenticationFailed") if "'000'" in asked else None
    with pytest.raises(StoreUnknownError, match="answered 403"):
        opened(service).still_active([an_instance(instance_id) for instance_id in ids])
    assert len(service.log) < 400


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_recovers_is_read_and_no_pause_is_longer_than_ten_seconds(
    status: int, pauses: list[float]
) -> None:
    service = TableService({"OrdersInstances": [[a_row("a")]]})
    refusals = iter([a_refusal(status, "Busy", **{"Retry-After": "3600"}), a_refusal(status, "Busy")])
    service.failing = lambda _: next(refusals, None)
    assert opened(service).all().active == (an_instance("a"),)
    assert pauses[0] == 10
    assert all(pause <= 10 for pause in pauses)


def test_a_service_that_stays_busy_is_asked_four_times(pauses: list[float]) -> None:
    service = TableService({}, failing=lambda _: a_refusal(429, "Busy", **{"Retry-After": "3600"}))
    assert "answered 429 (Busy)" in problem(opened(service))
    assert len(service.log) == 4
    assert pauses == [10, 10, 10]


def test_a_key_that_is_no_base64_is_unknown_and_not_shown() -> None:
    text = problem(opened(TableService({}), {"X": "AccountName=blue1;AccountKey=s3cr3t"}))
    assert "the key in the connection string isn't base64 while listing the tables" in text
    assert_no_secret(text)


def a_token_refusal() -> ClientAuthenticationError:
    """An error as azure-identity raises it, with the answer of the service that gives tokens."""
    service = TableService({}, failing=lambda _: an_answer(400, {"error": "invalid_client"}))
    address = "https://login.microsoftonline.com/t/token"
    client: PipelineClient[HttpRequest, Any] = PipelineClient(address, transport=transport(service))
    return ClientAuthenticationError("no s3cr3t token", response=client.send_request(HttpRequest("POST", address)))


@pytest.mark.parametrize("error", [ClientAuthenticationError("no s3cr3t token"), a_token_refusal()])
def test_an_identity_that_gets_no_token_is_unknown(error: ClientAuthenticationError) -> None:
    text = problem(opened(TableService({}), BY_IDENTITY, error))
    assert "no token can be had for this identity while listing the tables; sign in with `az login`" in text
    assert_no_secret(text)


@pytest.mark.parametrize(
    ("settings", "account", "words"),
    [
        ({}, "", "the store: no app setting is the connection X; set X"),
        ({**BY_KEY, "X__accountName": "green1"}, "", "lead to different accounts, blue1, green1"),
        ({"X": "AccountName=blue1;Key=s3cr3t"}, "blue1", "neither a key nor a shared access signature"),
        ({"X__tableServiceUri": "http://127.0.0.1:1/blue1"}, "blue1", "set an address that begins with https"),
    ],
)
def test_a_connection_that_leads_nowhere_is_unknown_before_anything_is_sent(
    settings: dict[str, str], account: str, words: str
) -> None:
    service = TableService({})
    with pytest.raises(StoreUnknownError) as raised:
        opened(service, settings)
    assert raised.value.account == account
    assert words in str(raised.value)
    assert_no_secret(str(raised.value))
    assert service.log == []


def test_by_identity_the_token_is_sent_and_by_key_no_identity_is_asked_for() -> None:
    seen: list[str] = []

    class Listening(TableService):
        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            seen.append(str(request.headers["Authorization"]))
            return super().send(request)

    opened(Listening({}), BY_IDENTITY).all()
    opened(Listening({}), BY_KEY, ClientAuthenticationError("not to be asked")).all()
    assert seen[0] == "Bearer a-token"
    assert seen[1].startswith("SharedKey blue1:")


def assert_no_secret(text: str) -> None:
    assert "s3cr3t" not in text
    assert "sig=" not in text
    assert KEY not in text


@pytest.mark.parametrize(
    ("settings", "status", "denied"),
    [(BY_IDENTITY, 403, True), (BY_IDENTITY, 401, False), (BY_IDENTITY, 503, False), (BY_KEY, 403, False)],
)
def test_a_role_that_is_missing_is_told_apart(settings: dict[str, str], status: int, denied: bool) -> None:
    service = TableService({}, failing=lambda _: a_refusal(status, "AuthorizationPermissionMismatch"))
    with pytest.raises(StoreUnknownError) as raised:
        opened(service, settings).all()
    assert raised.value.denied is denied


def test_an_identity_that_gets_no_token_waits_for_no_role() -> None:
    with pytest.raises(StoreUnknownError) as raised:
        opened(TableService({}), BY_IDENTITY, a_token_refusal()).all()
    assert not raised.value.denied


def a_local_azure(request: Request) -> Answer:
    """Gives a token, and tables to whoever shows it."""
    if request.target == "/t/oauth2/v2.0/token":
        return Answer(body=json.dumps({"access_token": "local-token", "expires_in": 3600}).encode())
    if request.headers.get("authorization") != "Bearer local-token":
        return Answer(403, b"{}")
    kind = {"Content-Type": "application/json;odata=minimalmetadata"}
    rows = [a_row("a")] if "OrdersInstances" in request.target else [{"TableName": "OrdersInstances"}]
    return Answer(body=json.dumps({"value": rows}).encode(), headers=kind)


def test_local_azure_is_read_as_an_identity_over_plain_http_with_its_own_token() -> None:
    asked: list[Request] = []

    def answer(request: Request) -> Answer:
        asked.append(request)
        return a_local_azure(request)

    with answering(answer) as address:
        credential = LoopbackCredential(Cloud(address, address, address, loopback=True), "t", "c", "s")
        store = open_store({"X__tableServiceUri": f"{address}/blue1/"}, "X", lambda: credential)
        assert store.account == "blue1"
        assert store.all().active == (an_instance("a"),)
    paths = [request.target.partition("?")[0] for request in asked]
    assert paths == ["/t/oauth2/v2.0/token", "/blue1/Tables", "/blue1/OrdersInstances()"]


def _itself(credential: TokenCredential) -> TokenCredential:
    return credential


def test_a_login_that_fails_is_told_in_its_own_words() -> None:
    with answering(lambda _: Answer(401)) as address:
        credential = LoopbackCredential(Cloud(address, address, address, loopback=True), "t", "c", "s")
        store = open_store({"X__tableServiceUri": f"{address}/blue1"}, "X", lambda: credential)
        text = problem(store)
    assert f"no token can be had for this identity while listing the tables; local Azure's login at {address}" in text


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1/blue1", "http://blue1.table.core.windows.net"])
def test_no_other_token_goes_over_plain_http_and_local_azures_none_off_this_machine(endpoint: str) -> None:
    local = LoopbackCredential(Cloud("http://127.0.0.1:1", "http://127.0.0.1:1", "x", loopback=True), "t", "c", "s")
    credentials: list[TokenCredential] = [Credential()] if "127.0.0.1" in endpoint else [Credential(), local]
    for credential in credentials:
        with pytest.raises(StoreUnknownError, match="set an address that begins with https"):
            open_store({"X__tableServiceUri": endpoint}, "X", partial(_itself, credential))
