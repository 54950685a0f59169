"""The durable connection is of one mind: one form, whole, and in one spelling."""

from __future__ import annotations

from collections.abc import Iterator

from durable import connections
from policies.config import Config
from policies.finding import Finding
from policies.model import Program, Slot
from policies.rules.identities import part
from policies.scope import connections_of, durable_sites

_SERVICES = ("blobserviceuri", "queueserviceuri", "tableserviceuri")
_SERVICE_PRINCIPAL = ("tenantid", "clientid", "clientsecret")


def consistent(program: Program, config: Config) -> Iterator[Finding]:
    for site in durable_sites(program, config):
        for connection in connections_of(program, site, config):
            for slot in site.slots:
                names = connections.family(slot.settings, connection)
                problem = _problem(slot, connection, names) if names else None
                if problem:
                    yield Finding(slot.origin(connection), f"{slot.label}: {problem}")


def _problem(slot: Slot, connection: str, names: frozenset[str]) -> str | None:
    prefixed = sorted(name for name in names if name.lower().startswith(f"azurewebjobs{connection}".lower()))
    if prefixed and len(prefixed) < len(names):
        others = ", ".join(repr(name) for name in sorted(names - set(prefixed)))
        return (
            f"{', '.join(map(repr, prefixed))} and {others} are both set. The extension takes the first form and "
            "ignores the second, so the store isn't the one that most will read here. Leave one"
        )
    parts = {part(name, connection): slot.settings[name] for name in names}
    identity = sorted(key for key in parts if key)
    if "" in parts and identity:
        return (
            f"{connection!r} stands beside {connection}__…, a connection string beside an identity. Which one counts "
            "depends on the extension's version. Leave one of the two forms"
        )
    if not identity:
        return None
    accounts = sorted(
        connections.accounts_of({k: v for k, v in slot.settings.items() if isinstance(v, str)}, connection)
    )
    if len({account.lower() for account in accounts}) > 1:
        return (
            f"the members of {connection}__… lead to different accounts ({', '.join(accounts)}). One hub's queues and "
            "tables would be apart. Name one account in all of them"
        )
    return _identity_problem(slot, connection, parts)


def _identity_problem(slot: Slot, connection: str, parts: dict[str, object]) -> str | None:
    services = [service for service in _SERVICES if service in parts]
    if "accountname" not in parts and len(services) < len(_SERVICES):
        missing = [service for service in _SERVICES if service not in services]
        return (
            f"{connection}__… names no account: it lacks accountName and {', '.join(missing)}. Durable needs blobs, "
            f"queues and tables. Set {connection}__accountName, or all three addresses"
        )
    if "managedidentityresourceid" in parts:
        return (
            f"{connection}__managedIdentityResourceId isn't supported by Durable Functions, whose host doesn't start. "
            f"Use {connection}__credential=managedidentity and {connection}__clientId"
        )
    principal = [name for name in _SERVICE_PRINCIPAL if name in parts]
    if "clientid" in parts and "credential" not in parts and len(principal) < len(_SERVICE_PRINCIPAL):
        return (
            f"{connection}__clientId stands without {connection}__credential, so it is ignored and the slot's own "
            f"identity is used. Set {connection}__credential=managedidentity too"
        )
    if "credential" in parts and "clientid" not in parts and _only_user_assigned(slot):
        return (
            f"{connection}__credential stands without {connection}__clientId, and the slot has only user-assigned "
            "identities, so none is chosen. Set the clientId of one too"
        )
    if "clientid" not in parts and principal:
        return (
            f"{connection}__{principal[0]} stands without {connection}__clientId: half a credential reaches nothing. "
            "Set both, or neither"
        )
    return None


def _only_user_assigned(slot: Slot) -> bool:
    identity = slot.resource.text("identity", "type") if slot.resource else None
    return identity is not None and identity.lower() == "userassigned"
