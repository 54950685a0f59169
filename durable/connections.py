"""Storage connections as app settings hold them: setting families, connection strings, and the accounts behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from durable.names import storage_account_name_problem
from durable.stores import Access

HOST_STORAGE = "AzureWebJobsStorage"
"""The connection of the Functions host itself; Durable's too where host.json names none (azure_facts.md 1.2)."""

DEFAULT_CONNECTION = "DurableManagementStorage"
"""The connection's name in the article, and here unless config says otherwise."""

DEFAULT_TRACKING_CONNECTION = "DurableTrackingStorage"
"""The name of the connection to a tracking store here, unless config says otherwise."""

_PREFIX = "AzureWebJobs"
_KEY_VAULT = "@microsoft.keyvault("
_HIERARCHY = "__"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_EMULATOR_ACCOUNT = "devstoreaccount1"
_SECRET_PART = re.compile(r"(AccountKey|SharedAccessSignature)\s*=\s*[^;]*", re.IGNORECASE)


@dataclass(frozen=True)
class Endpoints:
    """The base addresses of an account's services, as ARM's `primaryEndpoints` gives them."""

    blob: str
    queue: str
    table: str


def connection_string(account: str, key: str, endpoints: Endpoints) -> str:
    """A connection string with explicit endpoints, so that it holds in every cloud and for a local emulator alike."""
    return ";".join(
        (
            f"DefaultEndpointsProtocol={urlsplit(endpoints.blob).scheme}",
            f"AccountName={account}",
            f"AccountKey={key}",
            f"BlobEndpoint={endpoints.blob}",
            f"QueueEndpoint={endpoints.queue}",
            f"TableEndpoint={endpoints.table}",
        )
    )


def parse_connection_string(text: str) -> dict[str, str]:
    """The parts of a connection string by name in lower case. Raises ValueError, without the text, if it is none."""
    parts: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, separator, value = part.partition("=")
        if not separator:
            raise ValueError("not a storage connection string: it has a part without '='")
        parts[name.strip().lower()] = value.strip()
    return parts


def redacted(text: str) -> str:
    """A text with keys and signatures of the connection strings in it replaced by `***`."""
    return _SECRET_PART.sub(r"\1=***", text)


def account_of_connection_string(text: str) -> str | None:
    """The storage account that a connection string leads to, or None if it names none."""
    try:
        parts = parse_connection_string(text)
    except ValueError:
        return None
    if parts.get("usedevelopmentstorage", "").lower() == "true":
        return _EMULATOR_ACCOUNT
    if account := parts.get("accountname"):
        return account
    endpoints = (parts.get(f"{service}endpoint") for service in ("blob", "table", "queue"))
    return next((account for endpoint in endpoints if endpoint and (account := account_of_endpoint(endpoint))), None)


def account_of_endpoint(url: str) -> str | None:
    """The account in a service's address: the host's first label, or on loopback the first part of the path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    host = parts.hostname or ""
    if host in _LOOPBACK:
        return parts.path.strip("/").partition("/")[0] or None
    label, dot, _ = host.partition(".")
    return label if dot and label else None


def belongs_to(setting: str, connection: str) -> bool:
    """Whether a setting is part of a connection's family (azure_facts.md 6 and 1.3).

    The family of `X` is `X` and every `X__…`, each also with the prefix `AzureWebJobs`. All of it is sticky or none.
    """
    return _part(setting, connection) is not None


def family(settings: Iterable[str], connection: str) -> frozenset[str]:
    """Those of the settings that make up a connection."""
    return frozenset(setting for setting in settings if belongs_to(setting, connection))


def accounts_of(settings: Mapping[str, str], connection: str) -> frozenset[str]:
    """All storage accounts that the settings of a connection's family lead to.

    More than one means that the settings contradict each other, such as `X` beside `AzureWebJobsX`
    (azure_facts.md 1.3); none, that the connection isn't set or that its values are no addresses.
    """
    found: set[str | None] = set()
    for setting, value in settings.items():
        match _part(setting, connection):
            case "":
                found.add(account_of_connection_string(value))
            case "accountname":
                found.add(value)
            case "blobserviceuri" | "queueserviceuri" | "tableserviceuri":
                found.add(account_of_endpoint(value))
    return frozenset(account for account in found if account)


@dataclass(frozen=True)
class KeyAccess:
    """Access to an account's services with what a connection string holds: a key or a shared access signature."""

    account: str
    connection_string: str = field(repr=False)


@dataclass(frozen=True)
class IdentityAccess:
    """Access to a service of an account as an identity, at the service's address."""

    account: str
    endpoint: str


def access_of(settings: Mapping[str, str], connection: str) -> Access | None:
    """The form of a connection in app settings; None if it isn't set. A connection string goes before an identity."""
    parts = _parts(settings, connection)
    if not parts:
        return None
    return Access.KEYS if "" in parts else Access.IDENTITY


def table_access(settings: Mapping[str, str], connection: str) -> KeyAccess | IdentityAccess:
    """How the settings of a connection's family lead to the tables of its account: see `_service_access`."""
    return _service_access(settings, connection, "table")


def blob_access(settings: Mapping[str, str], connection: str) -> KeyAccess | IdentityAccess:
    """How the settings of a connection's family lead to the blobs of its account: see `_service_access`."""
    return _service_access(settings, connection, "blob")


def _service_access(settings: Mapping[str, str], connection: str, service: str) -> KeyAccess | IdentityAccess:
    """How the settings of a connection's family lead to a service of its account (azure_facts.md 6 and 1.3).

    A connection string goes before an identity's settings, and `AzureWebJobsX` before `X`, as in the Durable
    extension. An account name without an address is one of the public cloud. Raises ValueError, with no setting's
    value in it but accounts' names, if the connection isn't set or doesn't lead to one account.
    """
    parts = _parts(settings, connection)
    if not parts:
        raise ValueError(f"no app setting is the connection {connection}; set {connection}")
    text = parts.get("", "")
    if text.lower().startswith(_KEY_VAULT):
        raise ValueError(
            f"the connection {connection} is a reference to a Key Vault, which only the app can follow; "
            f"write a connection string, or connect by identity with {connection}__accountName"
        )
    accounts = accounts_of(settings, connection)
    if any(storage_account_name_problem(account.lower()) for account in accounts):
        raise ValueError(f"the connection {connection} has a part that names no storage account; correct its settings")
    if len(accounts) > 1:
        raise ValueError(
            f"the settings of the connection {connection} lead to different accounts, {', '.join(sorted(accounts))}; "
            "leave those of one"
        )
    if text:
        if (account := account_of_connection_string(text)) is None:
            raise ValueError(f"the connection {connection} names no storage account; set a whole connection string")
        named = parse_connection_string(text)
        return KeyAccess(account, ";".join(f"{name}={value}" for name, value in named.items()))
    endpoint = parts.get(f"{service}serviceuri") or _public_endpoint(parts.get("accountname"), service)
    if endpoint is None or (account := account_of_endpoint(endpoint)) is None:
        raise ValueError(
            f"the connection {connection} has no address of a {service} service; "
            f"set {connection}__accountName or {connection}__{service}ServiceUri"
        )
    return IdentityAccess(account, endpoint.partition("?")[0].rstrip("/"))


def _public_endpoint(account: str | None, service: str) -> str | None:
    return f"https://{account}.{service}.core.windows.net" if account else None


def _parts(settings: Mapping[str, str], connection: str) -> dict[str, str]:
    """The settings of a family that have a value, by what they say (see `_part`); the prefixed ones win."""
    prefixed = (_PREFIX + connection).lower()
    in_order = sorted(settings, key=lambda setting: setting.lower().startswith(prefixed))
    found = ((_part(setting, connection), settings[setting].strip()) for setting in in_order)
    return {part: value for part, value in found if part is not None and value}


def _part(setting: str, connection: str) -> str | None:
    """What a setting of a family says, in lower case: `accountname` for `X__accountName`, nothing for `X` itself."""
    name = setting.lower()
    for root in (connection.lower(), (_PREFIX + connection).lower()):
        if name == root:
            return ""
        if name.startswith(root + _HIERARCHY):
            return name.removeprefix(root + _HIERARCHY)
    return None
