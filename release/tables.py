"""The Instances tables of a storage account, over Microsoft's own client: access, retries, and errors in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from azure.core.credentials import TokenCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import HttpTransport, RequestsTransport
from azure.data.tables import TableClient, TableErrorCode, TableServiceClient

from durable.connections import IdentityAccess, KeyAccess, table_access
from durable.hub_names import hub_of_instances_table, hub_resources
from durable.roles import TITLES, StorageRole
from release.azure_config import CloudError
from release.plain_http import LoopbackTransport, is_for_loopback, secured

READER_ROLE: Final = TITLES[StorageRole.TABLE_DATA_READER]
"""The least role that may read the tables (azure_facts.md 6)."""

_REACH: Final = "check the account's address, its network rules, and this machine's network"
_LONGEST_PAUSE: Final = 10.0
_RETRIES: Final[dict[str, Any]] = {
    "retry_total": 3,
    "retry_connect": 2,
    "retry_read": 1,
    "retry_backoff_factor": 0.5,
    "retry_backoff_max": _LONGEST_PAUSE,
}
_TIMEOUTS: Final[dict[str, Any]] = {"connection_timeout": 5, "read_timeout": 30}
"""Seconds. The service ends a query after 30 at most (Query timeout and pagination, Azure Storage documentation)."""


class StoreUnknownError(Exception):
    """A store that couldn't be read, or not to the end, so that nothing can be said about its orchestrations.

    Its text names the account, "" if that is what isn't known, then what was seen and what to do. It never holds a
    key or a signature. `denied` is for an identity that lacks the role.
    """

    denied = False

    def __init__(self, account: str, problem: str, *, denied: bool = False) -> None:
        self.account = account
        self.denied = denied
        store = f"storage account {account}" if account else "the store"
        super().__init__(f"can't tell whether orchestrations still run in {store}: {problem}")


def open_tables(
    settings: Mapping[str, str],
    connection: str,
    credential: Callable[[], TokenCredential] | None = None,
    *,
    transport: HttpTransport[Any, Any] | None = None,
) -> Tables:
    """The tables that a connection in a slot's app settings leads to. Nothing is sent before the first reading.

    `credential` is called if the connection is one by identity; without it, that is the identity which the Azure
    tools on this machine use. Raises StoreUnknownError if the connection is missing, contradictory or no such thing.
    """
    try:
        access = table_access(settings, connection)
    except ValueError as error:
        raise StoreUnknownError("", str(error)) from error
    if isinstance(access, IdentityAccess):
        client = _by_identity(access, (credential or _own_identity)(), transport)
    else:
        client = _by_key(access, transport)
    return Tables(access, client)


def _own_identity() -> TokenCredential:
    from azure.identity import DefaultAzureCredential  # It takes a while to load, and most stores are opened by key.

    return DefaultAzureCredential()


def _by_key(access: KeyAccess, transport: HttpTransport[Any, Any] | None) -> TableServiceClient:
    transport = transport or _Transport(**_TIMEOUTS)
    try:
        return TableServiceClient.from_connection_string(access.connection_string, transport=transport, **_RETRIES)
    except ValueError:
        # The library's text may hold parts of the connection string.
        problem = "its connection string has neither a key nor a shared access signature; add the account's present key"
        raise StoreUnknownError(access.account, problem) from None


def _by_identity(
    access: IdentityAccess, credential: TokenCredential, transport: HttpTransport[Any, Any] | None
) -> TableServiceClient:
    endpoint = access.endpoint
    if is_for_loopback(credential, endpoint):
        endpoint, transport = secured(endpoint), transport or _PlainTransport(**_TIMEOUTS)
    transport = transport or _Transport(**_TIMEOUTS)
    try:
        return TableServiceClient(endpoint, credential=credential, transport=transport, **_RETRIES)
    except ValueError as error:
        problem = "its table service can't be asked with an identity; set an address that begins with https"
        raise StoreUnknownError(access.account, problem) from error


class _Transport(RequestsTransport):  # type: ignore[misc]  # azure-core loads the class late, without its type
    """Waits no longer before another try than a reading may take, whatever a Retry-After asks for."""

    def sleep(self, duration: float) -> None:
        super().sleep(min(duration, _LONGEST_PAUSE))


class _PlainTransport(LoopbackTransport, _Transport):
    """The same to local Azure."""


class Tables:
    """The Instances tables of one account."""

    def __init__(self, access: KeyAccess | IdentityAccess, client: TableServiceClient) -> None:
        self.account = access.account
        self._access = access
        self._client = client

    def prefixes(self) -> tuple[str, ...]:
        """What is before `Instances` in the names of the tables, sorted: task hubs, or tracking prefixes.

        Raises StoreUnknownError.
        """
        with self.explained("listing the tables"):
            found = (hub_of_instances_table(table.name) for table in self._client.list_tables())
            return tuple(sorted(prefix for prefix in found if prefix is not None))

    def of(self, prefix: str) -> TableClient:
        """An Instances table by what is before that word in its name; call it within `explained`."""
        return self._client.get_table_client(hub_resources(prefix).instances_table)

    @contextmanager
    def explained(self, doing: str) -> Iterator[None]:
        """Turn all that can go wrong in a call into a StoreUnknownError, in words of our own.

        The library's texts hold addresses, and those hold the signature where access is by one.
        """
        try:
            yield
        except StoreUnknownError:
            raise
        except CloudError as error:
            # From the login, whose texts are for a person and hold no secret.
            seen, repair, denied = "no token can be had for this identity", f"{error}", False
        except AzureError as error:
            seen, repair = self._told(error)
            denied = self._lacks_a_role(error)
        except Exception as error:
            # What the library raises at an answer in another form differs, and none of it is an AzureError.
            seen = f"an answer came that no table service gives ({type(error).__name__})"
            repair, denied = f"look for a proxy in between, and {_REACH}", False
        else:
            return
        raise StoreUnknownError(self.account, f"{seen} while {doing}; {repair}", denied=denied)

    def _lacks_a_role(self, error: AzureError) -> bool:
        """Whether the table service knows the identity and gives it nothing."""
        return (
            isinstance(self._access, IdentityAccess)
            and isinstance(error, HttpResponseError)
            and error.status_code == HTTPStatus.FORBIDDEN
            and not self._is_from_elsewhere(error)
        )

    def _told(self, error: AzureError) -> tuple[str, str]:
        """What was seen, and what to do about it."""
        match error:
            case ServiceRequestTimeoutError() | ServiceResponseTimeoutError():
                return "the table service didn't answer in time", _REACH
            case ServiceRequestError():
                return "the table service can't be reached", _REACH
            case ClientAuthenticationError(response=None):
                return self._without_credential()
            case HttpResponseError() if isinstance(self._access, IdentityAccess) and self._is_from_elsewhere(error):
                return self._without_credential()
            case HttpResponseError(status_code=int(status)) if status >= HTTPStatus.BAD_REQUEST:
                code = error_word(error)
                return f"the table service answered {status}{f' ({code})' if code else ''}", self._repair(status, code)
            case _:
                return "the table service's answer broke off or can't be read", f"try again, and {_REACH}"

    def _is_from_elsewhere(self, error: HttpResponseError) -> bool:
        """Whether an error is no answer of the table service, but one about a token."""
        url = getattr(getattr(error.response, "request", None), "url", "")
        return bool(url) and urlsplit(url).netloc != urlsplit(self._client.url).netloc

    def _without_credential(self) -> tuple[str, str]:
        if isinstance(self._access, KeyAccess):
            return "the key in the connection string isn't base64", "put the account's present key into it"
        return (
            "no token can be had for this identity",
            "sign in with `az login`, or as the pipeline's service principal",
        )

    def _repair(self, status: int, code: str) -> str:
        match status, code:
            case _, "KeyBasedAuthenticationNotPermitted":
                return "the account accepts no keys: connect by identity (__accountName)"
            case 401 | 403, _ if isinstance(self._access, IdentityAccess):
                return (
                    f"give the identity that runs this the role {READER_ROLE} on the account, by its object id under "
                    "durable-zero-downtime:readers (a new assignment takes minutes), and let this machine through the "
                    "account's network rules"
                )
            case 401 | 403, _:
                return (
                    "put the account's present key, or a signature that may list and read tables, into the connection, "
                    "and let this machine through the account's network rules"
                )
            case 404 | 409, "TableNotFound" | "TableBeingDeleted":
                return "a table is being deleted: try again when that is done"
            case 408 | 429, _:
                return "the account has too much to do: try again later"
            case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return "the service is failing or has too much to do: try again later"
            case _:
                return _REACH


def error_word(error: HttpResponseError) -> str:
    """The service's word for an error, such as `TableNotFound`; "" if it gave none."""
    code = getattr(error, "error_code", None)
    return str(code.value if isinstance(code, TableErrorCode) else code or "")
