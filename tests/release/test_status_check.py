"""The gate's driver for StatusCheck, against a real HTTP server on this machine."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from release.drain import State, Verdict, read_once, wait_until_drained
from release.instances import Instance, Instances, Listing, StoreUnknownError
from release.patience import Patience
from release.status_check import open_status_check
from tests.loopback import Answer, Request, answering
from tests.release.clock import FakeClock

KEY = "s3cr3t-function-key-AzFuAbCd=="
SHA = "0123456789abcdef" * 4
CREATED = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)

Given = Answer | None


def a_status(*active: tuple[str, str], **fields: Any) -> dict[str, Any]:
    """What StatusCheck answers for active instances, given as (id, status)."""
    return {
        "hub": "OrdersHub",
        "package": SHA,
        "HasRunning": bool(active),
        "active": len(active),
        "byStatus": Counter(status for _, status in active),
        "instances": [
            {"id": id_, "name": "process_order", "status": status, "created": "2026-07-01T08:00:00Z"}
            for id_, status in active
        ],
        "rows": 7,
    } | fields


def ok(body: object) -> Answer:
    return Answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


def an_instance(instance_id: str, status: str = "Running") -> Instance:
    return Instance("OrdersHub", instance_id, "process_order", status, CREATED)


class Site:
    """A slot that gives its answers one after the other, the last one again and again; keeps what it was asked."""

    def __init__(self, *answers: Given) -> None:
        self._answers = list(answers)
        self.log: list[Request] = []
        self.clock = FakeClock()

    def answer(self, request: Request) -> Given:
        self.log.append(request)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    @contextmanager
    def opened(self) -> Iterator[Instances]:
        with answering(self.answer) as url:
            yield open_status_check(url, KEY, "OrdersHub", SHA, clock=self.clock)

    @property
    def pauses(self) -> list[float]:
        return [end - begin for begin, end in self.clock.slept]


def listing(*answers: Given) -> Listing:
    with Site(*answers).opened() as store:
        return store.all()


def problem(*answers: Given) -> str:
    """The error's text without the host, which differs from run to run."""
    with Site(*answers).opened() as store, pytest.raises(StoreUnknownError) as raised:
        store.all()
    text = str(raised.value)
    begin = f"can't tell whether orchestrations still run in {store.account}: "
    assert raised.value.account == store.account
    assert text.startswith(begin)
    assert KEY not in text
    return text.removeprefix(begin)


def test_active_instances_are_listed_with_their_names_and_times() -> None:
    assert listing(ok(a_status(("a", "Running"), ("b", "Unheard"), ("c", "")))) == Listing(
        ("OrdersHub",), (an_instance("a"), an_instance("b", "Unheard"), an_instance("c", "")), 7
    )


def test_a_hub_in_which_nothing_is_active_is_read_as_such() -> None:
    assert listing(ok(a_status(rows=0))) == Listing(("OrdersHub",), (), 0)


def test_an_instance_without_a_time_or_a_name_is_one() -> None:
    body = a_status(("a", "Running"))
    body["instances"][0] |= {"created": None, "name": ""}
    assert listing(ok(body)).active == (Instance("OrdersHub", "a", "", "Running", None),)


def test_what_else_a_later_version_tells_makes_no_difference() -> None:
    assert listing(ok(a_status(more={"than": "known"}))).active == ()


def test_a_hub_is_the_same_one_in_any_case_as_its_tables_are() -> None:
    assert listing(ok(a_status(("a", "Running"), hub="ordershub"))).active == (an_instance("a"),)


@pytest.mark.parametrize(("path", "asked"), [("", "/api/StatusCheck"), ("/", "/api/StatusCheck"), ("/x/y", "/x/y")])
def test_the_key_travels_in_a_header_and_the_address_of_a_slot_leads_to_its_function(path: str, asked: str) -> None:
    site = Site(ok(a_status()))
    with answering(site.answer) as url:
        open_status_check(url + path, KEY, "OrdersHub", SHA).all()
    assert [(request.method, request.target) for request in site.log] == [("GET", asked)]
    assert site.log[0].headers["x-functions-key"] == KEY


def test_nothing_is_asked_before_the_first_reading() -> None:
    site = Site(ok(a_status()))
    with site.opened():
        pass
    assert site.log == []


def test_looking_again_tells_the_statuses_of_now_and_leaves_out_what_is_finished_or_gone_or_new() -> None:
    site = Site(ok(a_status(("a", "Suspended"), ("new", "Running"))))
    with site.opened() as store:
        seen = store.still_active([an_instance("a", "Pending"), an_instance("gone")])
    assert seen == (an_instance("a", "Suspended"),)
    assert len(site.log) == 1


def test_a_wait_sees_orchestrations_end_and_then_wants_quiet() -> None:
    busy, drained = ok(a_status(("a", "Running"))), ok(a_status())
    site = Site(busy, busy, drained)
    seen: list[Verdict] = []
    with site.opened() as store:
        verdict = wait_until_drained(store, Patience(60, 10, 5), site.clock, seen.append)
    assert verdict == Verdict(State.DRAINED, store.account, ("OrdersHub",))
    assert [len(told.active) for told in seen[:3]] == [1, 1, 0]
    assert site.clock.time >= 10
    assert verdict.sentence() == f"{store.account} is drained: no active instance in OrdersHub"


def test_a_wait_on_a_slot_that_answers_nothing_good_ends_unknown_with_the_reason() -> None:
    site = Site(Answer(401))
    with site.opened() as store:
        verdict = wait_until_drained(store, Patience(60, 10, 5), site.clock)
    assert verdict.state is State.UNKNOWN
    assert "StatusCheck answered 401" in verdict.sentence()


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_slot_that_recovers_is_read(status: int) -> None:
    site = Site(Answer(status), Answer(status), None, ok(a_status(("a", "Running"))))
    with site.opened() as store:
        assert store.all().active == (an_instance("a"),)
    assert site.pauses == [0.5, 1, 2]


@pytest.mark.parametrize(
    ("asked_for", "pauses"),
    [("3", [3.0] * 3), ("3600", [10.0] * 3), ("0", [0.0] * 3), ("-5", [0.5, 1, 2]), ("Wed, 01 Jul 2026", [0.5, 1, 2])],
)
def test_pauses_are_as_long_as_asked_for_up_to_ten_seconds_and_three_at_most(
    asked_for: str, pauses: list[float]
) -> None:
    site = Site(Answer(429, b"", {"Retry-After": asked_for}))
    with site.opened() as store:
        assert "StatusCheck answered 429; " in read_once(store, Patience(0, 0, 0)).reason
    assert site.pauses == pauses
    assert len(site.log) == 4


def test_the_apps_own_words_for_what_it_can_not_tell_are_told_without_a_key_in_them() -> None:
    body = {"error": f"the task hub can't be read with {KEY}\x1b[31m"}
    text = problem(Answer(503, json.dumps(body).encode()))
    assert text == (
        "StatusCheck answered 503 (\"the task hub can't be read with ***\\x1b[31m\"); see the app's log, and try again "
        "later; it was asked 4 times"
    )


@pytest.mark.parametrize("body", [b"", b"busy", b'{"error": 7}', b"[]", b'{"message": "x"}'])
def test_an_answer_503_of_somebody_else_is_told_by_its_status_alone(body: bytes) -> None:
    assert problem(Answer(503, body)).startswith("StatusCheck answered 503; see the app's log")


@pytest.mark.parametrize(
    "broken", [None, Answer(200, b"{", {}, 100)], ids=["closed without an answer", "closed in the middle"]
)
def test_an_answer_that_breaks_off_is_unknown_after_four_tries(broken: Given) -> None:
    assert problem(broken) == (
        "StatusCheck can't be reached, or its answer broke off; check the address and this machine's network; it was "
        "asked 4 times"
    )


def test_an_address_at_which_nothing_listens_is_unknown() -> None:
    with Site(None).opened() as store:
        pass
    with pytest.raises(StoreUnknownError, match="StatusCheck can't be reached"):
        store.all()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "give the key of the function StatusCheck, or a host key, of this slot"),
        (403, "give the key of the function StatusCheck, or a host key, of this slot"),
        (404, "see that the slot runs, and that its package has a function StatusCheck"),
        (301, "the key isn't sent on to another address"),
        (302, "the key isn't sent on to another address"),
        (307, "the key isn't sent on to another address"),
        (204, "see the app's log"),
        (202, "see the app's log"),
        (400, "see the app's log"),
        (500, "see the app's log"),
    ],
)
def test_an_answer_with_another_status_is_unknown_at_once_whatever_it_holds(status: int, words: str) -> None:
    body = b"" if status == 204 else json.dumps(a_status()).encode()
    site = Site(Answer(status, body, {"Location": "/elsewhere"}))
    with site.opened() as store, pytest.raises(StoreUnknownError) as raised:
        store.all()
    assert f"StatusCheck answered {status}; {words}" in str(raised.value)
    assert [request.target for request in site.log] == ["/api/StatusCheck"]


@pytest.mark.parametrize(
    "body", [b"", b"<html>Please sign in</html>", b"[]", b"7", b"null", b"{", b"\xff\xfe", b"[" * 9999]
)
def test_an_answer_that_is_no_json_object_is_unknown(body: bytes) -> None:
    assert problem(Answer(200, body)) == (
        "StatusCheck's answer is no JSON object; is StatusCheck at this address, and of this release?"
    )


@pytest.mark.parametrize("missing", ["hub", "package", "HasRunning", "active", "byStatus", "instances", "rows"])
def test_an_answer_that_lacks_a_field_is_unknown(missing: str) -> None:
    body = a_status()
    del body[missing]
    assert f"lacks, or has in another form: {missing}; " in problem(ok(body))


@pytest.mark.parametrize("missing", ["id", "name", "status", "created"])
def test_an_instance_that_lacks_a_field_is_unknown(missing: str) -> None:
    body = a_status(("a", "Running"))
    del body["instances"][0][missing]
    assert f"lacks, or has in another form: instances.0.{missing}; " in problem(ok(body))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("HasRunning", "false"),
        ("HasRunning", 0),
        ("active", "0"),
        ("active", 0.5),
        ("active", None),
        ("instances", {}),
        ("instances", None),
        ("byStatus", []),
        ("hub", None),
        ("rows", True),
        ("package", 7),
    ],
)
def test_a_field_of_another_kind_is_unknown_and_its_value_not_told(field: str, value: object) -> None:
    assert problem(ok(a_status(**{field: value}))) == (
        f"StatusCheck's answer lacks, or has in another form: {field}; is StatusCheck at this address, and of this "
        "release?"
    )


@pytest.mark.parametrize(("field", "value"), [("id", ""), ("created", "today"), ("created", "2026-07-01T08:00:00")])
def test_an_instance_with_a_field_of_another_kind_is_unknown(field: str, value: str) -> None:
    body = a_status(("a", "Running"))
    body["instances"][0][field] = value
    assert f"in another form: instances.0.{field}; " in problem(ok(body))


def test_another_hub_is_unknown() -> None:
    assert problem(ok(a_status(hub="ShopHub\x1b"))) == (
        "StatusCheck tells of another task hub, 'ShopHub\\x1b'; ask the slot whose store it is about"
    )


@pytest.mark.parametrize(("package", "told"), [("f" * 64, "package ffffffffffff"), (None, "no package")])
def test_another_package_is_unknown(package: str | None, told: str) -> None:
    assert problem(ok(a_status(package=package))) == (
        f"the slot runs {told} and not package 0123456789ab: it was swapped or written; run again, which looks at the "
        "slots anew"
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (a_status(active=1), "it counts 1 active instances and lists 0"),
        (a_status(("a", "Running"), active=0), "it counts 0 active instances and lists 1"),
        (a_status(("a", "Running"), HasRunning=False), "HasRunning is false with 1 active instances"),
        (a_status(HasRunning=True), "HasRunning is true with 0 active instances"),
        (a_status(("a", "Running"), byStatus={"Pending": 1}), "its counts by status aren't those"),
        (a_status(byStatus={"Pending": 1}), "its counts by status aren't those"),
        (a_status(("a", "Running"), rows=0), "it has read 0 instances and counts 1 active ones"),
        (a_status(("a", "Completed")), "it lists a, Completed, as an active orchestration"),
        (a_status(("@counter@1", "Running")), "it lists @counter@1, Running, as an active orchestration"),
        (a_status(("a\n", "Failed")), "it lists 'a\\n', Failed, as an active orchestration"),
    ],
)
def test_an_answer_that_contradicts_itself_is_unknown(body: dict[str, Any], told: str) -> None:
    text = problem(ok(body))
    assert text.startswith(f"StatusCheck's answer contradicts itself: {told}")
    assert text.endswith("; see what answers there")


def test_an_answer_that_is_too_large_is_unknown_though_it_would_be_good() -> None:
    large = replace(ok(a_status()), body=json.dumps(a_status()).encode() + b" " * 16 * 1024**2)
    assert "StatusCheck's answer has more than 16 MiB; read the store itself" in problem(large)


def test_an_answer_in_a_compression_that_it_is_not_in_is_unknown() -> None:
    assert "can't be read (DecodingError); look for a proxy" in problem(
        Answer(200, b"{}", {"Content-Encoding": "gzip"})
    )


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "http://shop-staging.azurewebsites.net",
            "begins with http, and a key can be read on its way there; use https",
        ),
        ("https://shop.azurewebsites.net/api/StatusCheck?code=s3cr3t", "leave all else out, a key above all"),
        ("https://shop.azurewebsites.net/#s3cr3t", "leave all else out"),
        ("https://me:s3cr3t@shop.azurewebsites.net/", "leave all else out"),
        ("shop.azurewebsites.net", "is no URL; write https://"),
        ("ftp://shop.azurewebsites.net", "is no URL; write https://"),
        ("https://", "is no URL; write https://"),
        ("https://[shop", "is no URL; write https://"),
        ("https://shop:port", "is no URL; write https://"),
        ("", "is no URL; write https://"),
    ],
)
def test_an_address_that_a_key_may_not_be_sent_to_is_refused_before_anything_is_sent(url: str, words: str) -> None:
    with pytest.raises(StoreUnknownError, match="the address of StatusCheck") as raised:
        open_status_check(url, KEY, "OrdersHub", SHA)
    assert words in str(raised.value)
    assert "s3cr3t" not in str(raised.value)


@pytest.mark.parametrize("key", ["", "s3cr3t\r\nX-Evil: 1", "s3cr3t\u00fc", "two s3cr3ts"])
def test_a_key_that_is_none_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(StoreUnknownError, match="the key is empty or has characters that no key has") as raised:
        open_status_check("https://shop.azurewebsites.net", key, "OrdersHub", SHA)
    assert "OrdersHub at shop.azurewebsites.net" in str(raised.value)
    assert "s3cr3t" not in str(raised.value)


@pytest.mark.parametrize("echo", [lambda key: a_status(hub=key), lambda key: a_status((key, "Failed"))])
def test_a_key_that_is_sent_back_is_not_shown(echo: Callable[[str], dict[str, Any]]) -> None:
    assert "***" in problem(ok(echo(KEY)))


def test_a_store_tells_no_key_about_itself() -> None:
    with Site(None).opened() as store:
        assert KEY not in repr(store)
        assert store.account.startswith("OrdersHub at 127.0.0.1:")
