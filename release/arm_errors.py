"""Errors of Azure's clients in words for a person: what was asked, what was answered, what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from durable.connections import redacted
from release.swap import AccessError, LiveError

_T = TypeVar("_T")
_ROLE: Final = "Website Contributor"
_NOT_DEPLOYED: Final = frozenset({"ResourceNotFound", "ResourceGroupNotFound"})


@dataclass(frozen=True)
class Task:
    """Something that is asked of ARM, in words that may follow "to", and the right that it takes."""

    what: str
    right: str


def called(task: Task, call: Callable[[], _T]) -> _T:
    """The result of a call to ARM; its errors come as LiveError or AccessError."""
    try:
        return call()
    except AzureError as error:
        raise failure(task, error) from error


def failure(task: Task, error: AzureError) -> LiveError:
    if status_of(error) == 403:
        return AccessError(denied(task, error))
    return LiveError(f"Azure gave no answer to go by when asked to {task.what} ({answered(error)}). {advice(error)}")


def denied(task: Task, error: AzureError) -> str:
    return (
        f"This run's login has no right to {task.what} ({answered(error)}). What to do: give it {task.right}, "
        f"for example with the role {_ROLE} on the site or its resource group."
    )


def is_not_deployed(error: AzureError) -> bool:
    """Whether ARM says that a resource, or the group that it would be in, isn't there."""
    details = error.error if isinstance(error, HttpResponseError) else None
    return status_of(error) == 404 and details is not None and details.code in _NOT_DEPLOYED


def status_of(error: AzureError) -> int | None:
    """The HTTP status of ARM's answer; None if there was none."""
    return error.status_code if isinstance(error, HttpResponseError) else None


def answered(error: AzureError) -> str:
    """ARM's answer, or what came instead of one, in a line without secrets."""
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return f"{type(error).__name__}: {_line(str(error))}"
    if error.error is None or not error.error.code:
        return f"{error.status_code} {error.reason or ''}".rstrip()
    # An operation that failed is told of by a success: the status belongs to the question, not to the operation.
    status = f"{error.status_code} " if error.status_code >= 400 else ""
    return f"{status}{error.error.code}: {_line(error.error.message or '')}"


def advice(error: AzureError) -> str:
    """What to do about an error that isn't a missing right."""
    match status_of(error):
        case None if isinstance(error, ClientAuthenticationError):
            do = "log in, with `az login` or with the azure-native keys of a service principal"
        case None:
            do = "check the network, and run again"
        case 401:
            do = "log in anew, and check the tenant and the subscription"
        case 404:
            do = "check the names of subscription, resource group, site and slot in the config"
        case int(status) if status >= 500 or status in {408, 429}:
            do = "run again in a few minutes; Azure is busy or has a fault of its own"
        case _:
            do = "see what Azure says, and run again"
    return f"What to do: {do}."


def _line(text: str) -> str:
    return redacted(" ".join(text.split()))
