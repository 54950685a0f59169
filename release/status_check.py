"""A store's orchestrations, as the app's own function StatusCheck tells them: for stores that can't be reached.

The function is functions/status_check.py; an app of your own answers in the same form (docs/release.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import httpx
import tenacity
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from durable.entities import is_entity
from durable.statuses import is_active
from durable.stores import package_text
from release.clock import SYSTEM_CLOCK, Clock
from release.endpoints import is_loopback, is_plain
from release.instances import Instance, Instances, Listing, StoreUnknownError

FUNCTION_PATH: Final = "/api/StatusCheck"

_KEY_HEADER: Final = "x-functions-key"
_ATTEMPTS: Final = 4
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 10.0
"""Seconds. Pauses double from the first on, unless the answer has a Retry-After; that counts up to the longest."""

_TIMEOUT: Final = httpx.Timeout(10, read=240)
"""Seconds. App Service ends an answer that takes longer than 230."""

_LARGEST: Final = 16 * 1024**2
"""Bytes: more than 50,000 active instances."""

_LONGEST_WORDS: Final = 200
_TRANSIENT: Final = frozenset({408, 429, 502, 503, 504})
_MAY_GO_BETTER: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.RemoteProtocolError,
)


class StatusCheckError(StoreUnknownError):
    """StatusCheck gave no answer to go by. Its text names hub and host, what was seen and what to do; never a key."""

    def __init__(self, where: str, problem: str) -> None:
        Exception.__init__(self, f"can't tell whether orchestrations still run in {where}: {problem}")
        self.account = where


def open_status_check(url: str, key: str, hub: str, package: str, *, clock: Clock = SYSTEM_CLOCK) -> Instances:
    """The orchestrations of the slot at an address. Nothing is sent before the first reading.

    `url` is that of the function, or of the slot alone, such as `https://shop-staging.azurewebsites.net`. `key` is the
    function's key or a host key of that slot; it travels in a header. `hub` and `package` (a SHA-256) are what the slot
    must say that it runs. Raises StatusCheckError for an address or a key that can't be used.
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        port = parts.port  # raises ValueError where it is no number
    except ValueError:
        raise StatusCheckError(
            hub, "the address of StatusCheck is no URL; write https://<host name of the slot>"
        ) from None
    where = f"{hub} at {host}"
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise StatusCheckError(hub, "the address of StatusCheck is no URL; write https://<host name of the slot>")
    if is_plain(url) and not is_loopback(url):
        raise StatusCheckError(
            where, "the address of StatusCheck begins with http, and a key can be read on its way there; use https"
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise StatusCheckError(
            where, "the address of StatusCheck has more in it than host and path; leave all else out, a key above all"
        )
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise StatusCheckError(where, "the key is empty or has characters that no key has; copy it from the portal")
    path = parts.path if parts.path.strip("/") else FUNCTION_PATH
    return StatusCheck(where, f"{parts.scheme}://{host}{path}", key, hub, package, clock)


class _Active(BaseModel):
    model_config = ConfigDict(strict=True)

    id: str = Field(min_length=1)
    name: str
    status: str
    created: AwareDatetime | None


class _Answer(BaseModel):
    """What StatusCheck answers; see `answer` in functions/status_check.py."""

    model_config = ConfigDict(strict=True)

    has_running: bool = Field(alias="HasRunning")
    hub: str
    package: str | None
    active: int
    by_status: dict[str, int] = Field(alias="byStatus")
    instances: tuple[_Active, ...]
    rows: int


class _TransientError(Exception):
    """No answer, or one that says to come again: what was seen and what to do, and how long to wait, in seconds."""

    def __init__(self, problem: str, pause: float | None = None) -> None:
        self.pause = pause
        super().__init__(problem)


class StatusCheck:
    """Implements Instances by asking the function; each reading is one request, whatever is read."""

    def __init__(self, where: str, url: str, key: str, hub: str, package: str, clock: Clock) -> None:
        self.account = where
        self._url = url
        self._key = key
        self._hub = hub
        self._package = package
        self._attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TransientError),
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=_pause,
            sleep=clock.sleep,
            reraise=True,
        )

    def all(self) -> Listing:
        answer = self._trusted(self._asked())
        return Listing((self._hub,), tuple(self._instance(found) for found in answer.instances), answer.rows)

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        active = {instance.id: instance for instance in self.all().active}
        return tuple(active[instance.id] for instance in known if instance.id in active)

    def _instance(self, found: _Active) -> Instance:
        return Instance(self._hub, found.id, found.name, found.status, found.created)

    def _asked(self) -> bytes:
        try:
            return self._attempts(self._ask)
        except _TransientError as error:
            raise self._problem(f"{error}; it was asked {_ATTEMPTS} times") from error

    def _ask(self) -> bytes:
        """The body of an answer 200."""
        try:
            with (
                # A proxy has no way to this machine.
                httpx.Client(trust_env=not is_loopback(self._url), timeout=_TIMEOUT, follow_redirects=False) as client,
                client.stream("GET", self._url, headers={_KEY_HEADER: self._key}) as answer,
            ):
                body = self._body(answer)
        except _MAY_GO_BETTER as error:
            raise _TransientError(
                "StatusCheck can't be reached, or its answer broke off; check the address and this machine's network"
            ) from error
        except httpx.TimeoutException as error:
            raise self._problem("StatusCheck didn't answer in time; see the app's log, and try again") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            kind = type(error).__name__
            raise self._problem(f"StatusCheck's answer can't be read ({kind}); look for a proxy in between") from error
        if answer.status_code in _TRANSIENT:
            raise _TransientError(
                f"StatusCheck answered {answer.status_code}{self._words(body)}; see the app's log, and try again later",
                _retry_after(answer),
            )
        if answer.status_code != HTTPStatus.OK:
            raise self._problem(f"StatusCheck answered {answer.status_code}; {_repair(answer.status_code)}")
        return body

    def _body(self, answer: httpx.Response) -> bytes:
        body = bytearray()
        for part in answer.iter_bytes():
            body += part
            if len(body) > _LARGEST:
                raise self._problem(
                    f"StatusCheck's answer has more than {_LARGEST // 1024**2} MiB; read the store itself for so many "
                    "active instances"
                )
        # What answers may send back what it was sent.
        return bytes(body).replace(self._key.encode(), b"***")

    def _words(self, body: bytes) -> str:
        """The function's own word for an error, for a person."""
        try:
            told = _Failure.model_validate_json(body).error
        except ValidationError:
            return ""
        return f" ({_shown(told)})"

    def _trusted(self, body: bytes) -> _Answer:
        """The answer in a body, if it is StatusCheck's, about this hub and package, and agrees with itself."""
        try:
            answer = _Answer.model_validate_json(body)
        except ValidationError as error:
            raise self._problem(f"{_seen(error)}; is StatusCheck at this address, and of this release?") from None
        if answer.hub.lower() != self._hub.lower():
            raise self._problem(
                f"StatusCheck tells of another task hub, {_shown(answer.hub)}; ask the slot whose store it is about"
            )
        if answer.package != self._package:
            raise self._problem(
                f"the slot runs {package_text(_shown(answer.package or '') or None)} and not "
                f"{package_text(self._package)}: it was swapped or written; run again, which looks at the slots anew"
            )
        if contradiction := _contradiction(answer):
            raise self._problem(f"StatusCheck's answer contradicts itself: {contradiction}; see what answers there")
        return answer

    def _problem(self, problem: str) -> StatusCheckError:
        return StatusCheckError(self.account, problem)


class _Failure(BaseModel):
    """What StatusCheck answers with 503."""

    error: str


def _contradiction(answer: _Answer) -> str | None:
    """What in an answer can't be true together with the rest of it."""
    listed = Counter(instance.status for instance in answer.instances)
    if answer.active != len(answer.instances):
        return f"it counts {answer.active} active instances and lists {len(answer.instances)}"
    if answer.has_running != bool(answer.active):
        return f"HasRunning is {str(answer.has_running).lower()} with {answer.active} active instances"
    if answer.by_status != listed:
        return "its counts by status aren't those of the instances that it lists"
    if answer.rows < answer.active:
        return f"it has read {answer.rows} instances and counts {answer.active} active ones"
    for instance in answer.instances:
        if not is_active(instance.status) or is_entity(instance.id):
            return f"it lists {_shown(instance.id)}, {_shown(instance.status)}, as an active orchestration"
    return None


def _seen(error: ValidationError) -> str:
    """What is wrong with an answer's form, without anything of its content."""
    places = {".".join(map(str, detail["loc"])) for detail in error.errors(include_input=False)}
    if "" in places:
        return "StatusCheck's answer is no JSON object"
    return f"StatusCheck's answer lacks, or has in another form: {', '.join(sorted(places)[:5])}"


def _repair(status: int) -> str:
    match status:
        case 401 | 403:
            return (
                "give the key of the function StatusCheck, or a host key, of this slot, and let this machine through "
                "the app's access restrictions"
            )
        case 404:
            return "see that the slot runs, and that its package has a function StatusCheck at this address"
        case _ if 300 <= status < 400:
            return "the key isn't sent on to another address: write the one that answers by itself"
        case _:
            return "see the app's log"


def _pause(state: tenacity.RetryCallState) -> float:
    """Seconds until the next attempt."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _TransientError) and error.pause is not None:
        return min(error.pause, _LONGEST_PAUSE)
    return min(_FIRST_PAUSE * 2.0 ** (state.attempt_number - 1), _LONGEST_PAUSE)


def _retry_after(answer: httpx.Response) -> float | None:
    """The seconds that an answer asks for; a date instead of them counts as nothing."""
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _shown(text: str) -> str:
    """A text from an answer as a terminal may show it."""
    short = text[:_LONGEST_WORDS]
    return short if short.isprintable() else ascii(short)
