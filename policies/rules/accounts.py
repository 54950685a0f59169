"""Storage accounts: those that hold task hubs are protected, and all that function apps use are closed."""

from __future__ import annotations

from collections.abc import Iterator

from durable import app_settings, connections
from durable.stores import DISPOSABLE, DISPOSABLE_TAG
from policies.addresses import Address, address_of
from policies.config import Config
from policies.finding import Finding, advice
from policies.model import Program, Slot
from policies.resources import Resource
from policies.rules.identities import by_identity
from policies.scope import connections_of, durable_sites, is_durable
from policies.values import UNKNOWN

_WEAK_TLS = frozenset({"TLS1_0", "TLS1_1"})


def store_protected(program: Program, config: Config) -> Iterator[Finding]:
    for site in durable_sites(program, config):
        for connection in connections_of(program, site, config):
            for slot in site.slots:
                address = address_of(program, slot, connection)
                if address is not None:
                    yield from _unprotected(program, slot, address)


def _unprotected(program: Program, slot: Slot, address: Address) -> Iterator[Finding]:
    """Refused if every account that the connection may lead to is open to deletion.

    An account that is the host's too is host-storage-separate's. In a preview that doesn't know yet which of a slot's
    accounts is which, those that other slots use as well are taken for the host's.
    """
    accounts = [program.accounts[key] for key in sorted(address.accounts) if key in program.accounts]
    if not accounts or address.others or len(accounts) < len(address.accounts) or any(map(_guarded, accounts)):
        return
    if not address.known:
        others = {urn for other in slot.site.slots if other is not slot for urn in _sources(other)}
        accounts = [account for account in accounts if account.urn not in others] or accounts
    elif any(address.account == host for host in _hosts(program, slot)):
        return
    account = accounts[0]
    yield Finding(
        account,
        f"account {account.name!r} holds the task hub of {slot.label} and has no `protect`. A renamed or removed "
        "resource deletes it with all its orchestrations. Declare it with protect=True, or, if it may go, with the "
        f"tag {DISPOSABLE_TAG}={DISPOSABLE}",
    )


def _sources(slot: Slot) -> Iterator[str]:
    for origin in slot.origins.values():
        yield from origin.sources


def _hosts(program: Program, slot: Slot) -> Iterator[str]:
    for other in slot.site.slots:
        host = address_of(program, other, connections.HOST_STORAGE)
        if host is not None and host.account is not None:
            yield host.account


def _guarded(account: Resource) -> bool:
    tags = account.get("tags")
    tag = tags.get(DISPOSABLE_TAG) if isinstance(tags, dict) else tags
    return account.protect or tag == DISPOSABLE or tag is UNKNOWN


def keys_agree(program: Program, config: Config) -> Iterator[Finding]:
    """Where a setting has an account's key the account takes it, and a store that no setting has a key of takes none.

    The host's own account may take keys that nobody sets: packages are uploaded with them.
    """
    by_key: set[str] = set()
    as_identity: set[str] = set()
    for site in durable_sites(program, config):
        durable = connections_of(program, site, config)
        for connection in (*durable, connections.HOST_STORAGE):
            for slot in site.slots:
                address = address_of(program, slot, connection)
                if address is None:
                    continue
                if not by_identity(slot, connection):
                    by_key |= address.accounts
                    yield from _refused_key(program, slot, connection, address)
                elif connection in durable and address.account is not None:
                    as_identity.add(address.account)
    for key in sorted(as_identity - by_key):
        account = program.accounts.get(key)
        if account is not None and account.get("allowSharedKeyAccess") in (None, True):
            yield advice(
                account,
                f"account {account.name!r} holds a task hub, is reached by identities only, and its keys open it all "
                "the same. Who has one reads and changes all orchestrations. Set allowSharedKeyAccess to false",
            )


def _refused_key(program: Program, slot: Slot, connection: str, address: Address) -> Iterator[Finding]:
    """In a preview that doesn't know the account, it is refused if all that it may be take no keys."""
    accounts = [program.accounts.get(key) for key in sorted(address.accounts)]
    shut = [a for a in accounts if a is not None and a.get("allowSharedKeyAccess") is False]
    if not accounts or address.others or len(shut) < len(accounts):
        return
    yield Finding(
        slot.origin(connection),
        f"{connection!r} of {slot.label} has a key of account {shut[0].name!r}, which takes none "
        "(allowSharedKeyAccess is false). The slot is cut off from its storage, and its orchestrations stand still. "
        f"Connect by identity ({connection}__accountName), or allow keys until no slot has one",
    )


def hardened(program: Program, config: Config) -> Iterator[Finding]:
    for account in _used(program, config):
        weak = []
        if account.text("minimumTlsVersion") in _WEAK_TLS:
            weak.append("minimumTlsVersion below TLS1_2")
        if account.get("enableHttpsTrafficOnly") is False:
            weak.append("enableHttpsTrafficOnly off, so plain HTTP")
        if account.get("allowBlobPublicAccess") is True:
            weak.append("allowBlobPublicAccess on")
        if weak:
            yield Finding(
                account,
                f"account {account.name!r}, which a function app uses, has {' and '.join(weak)}. It holds keys, code "
                "or the data of orchestrations. Set minimumTlsVersion to TLS1_2, enableHttpsTrafficOnly to true and "
                "allowBlobPublicAccess to false",
            )


def _used(program: Program, config: Config) -> list[Resource]:
    """The accounts of this program that settings of function apps lead to, or may lead to."""
    found: dict[str, Resource] = {}
    for site in program.sites:
        if not (site.is_function_app or is_durable(program, site, config)):
            continue
        for slot in site.slots:
            for key in _accounts_in(program, slot):
                if key in program.accounts:
                    found[key] = program.accounts[key]
    return list(found.values())


def _accounts_in(program: Program, slot: Slot) -> Iterator[str]:
    for name, value in slot.settings.items():
        if value is UNKNOWN:
            yield from (key for key, account in program.accounts.items() if account.urn in slot.origins[name].sources)
        elif name.lower().endswith("__accountname"):
            yield value.lower()
        elif name.lower().endswith("serviceuri") or name.upper() == app_settings.PACKAGE:
            yield (connections.account_of_endpoint(value) or "").lower()
        elif "=" in value:
            yield (connections.account_of_connection_string(value) or "").lower()
