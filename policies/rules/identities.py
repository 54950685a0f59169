"""Identities: a slot's identity stays at a swap and its store moves, so each needs access to every store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from durable import connections
from durable.roles import missing_roles, role_of
from policies import resources as r
from policies.addresses import address_of
from policies.config import Config
from policies.finding import Finding, later
from policies.model import Program, Site, Slot
from policies.resources import Resource, texts
from policies.scope import connections_of, durable_sites
from policies.values import UNKNOWN

CLIENT_ID = "clientid"


@dataclass(frozen=True)
class Grants:
    """Roles that an identity has on an account; `unsure` if a role assignment may be one more."""

    roles: frozenset[str]
    unsure: bool


def reach_every_store(program: Program, config: Config) -> Iterator[Finding]:
    for site in durable_sites(program, config):
        names = [*connections_of(program, site, config), connections.HOST_STORAGE]
        accounts: dict[str, str] = {}
        for name in names:
            for slot in site.slots:
                if not by_identity(slot, name):
                    continue
                address = address_of(program, slot, name)
                for account in address.accounts if address else ():
                    accounts.setdefault(account, name)
        for slot in site.slots:
            for name in names:
                yield from _unassigned(program, slot, name)
            used = next((name for name in names if by_identity(slot, name)), None)
            for principal in principals_of(program, slot, used) if used else ():
                for account, name in accounts.items():
                    if account in program.accounts:
                        yield from _reach(program, site, slot, principal, program.accounts[account], name)


def by_identity(slot: Slot, connection: str) -> bool:
    """Whether a slot's connection is by identity: it names an account or addresses, and no key."""
    return any(part(name, connection) for name in connections.family(slot.settings, connection))


def part(setting: str, connection: str) -> str:
    """What follows the connection's name in a member of its family, in lower case; nothing in the plain form."""
    return setting.lower().rpartition(connection.lower())[2].lstrip("_")


def principals_of(program: Program, slot: Slot, connection: str) -> list[Resource]:
    """The identities of this program with which a slot may reach its storage."""
    app = slot.resource
    if app is None:
        return []
    family = connections.family(slot.settings, connection)
    if not any(part(name, connection) == CLIENT_ID for name in family):
        return [app] if "systemassigned" in _identity_type(app) else []
    listed = app.get("identity", "userAssignedIdentities")
    ids = {id_.lower() for id_ in (listed if isinstance(listed, Mapping) else texts(listed))}
    made_from = app.made_from("identity")
    return [
        identity
        for identity in program.identities
        if identity.urn in made_from
        or any(id_.endswith(f"/{(identity.text('resourceName') or '?').lower()}") for id_ in ids)
    ]


def _unassigned(program: Program, slot: Slot, connection: str) -> Iterator[Finding]:
    """A clientId of an identity that the slot doesn't have: it gets no token, whatever roles that identity has."""
    parts = {part(name, connection): name for name in connections.family(slot.settings, connection)}
    setting = parts.get(CLIENT_ID) if "credential" in parts else None
    if setting is None or slot.resource is None or not _identity_type(slot.resource):
        return
    own = principals_of(program, slot, connection)
    if "userassigned" not in _identity_type(slot.resource).replace(" ", ""):
        problem = "it has no user-assigned identity"
    elif own and _is_of_another(program, slot, setting, own):
        problem = f"its identity is {', '.join(repr(identity.name) for identity in own)}, which has another client id"
    else:
        return
    yield Finding(
        slot.origin(setting),
        f"{slot.label} reaches storage by {setting!r}, and {problem}. It gets no token, and its host doesn't start. "
        "Assign the identity of that client id to every slot",
    )


def _is_of_another(program: Program, slot: Slot, setting: str, own: list[Resource]) -> bool:
    """Whether a client id is surely none of these identities'."""
    value = slot.settings[setting]
    if value is UNKNOWN:
        made_from = slot.origins[setting].sources
        return any(identity.urn in made_from for identity in program.identities) and not any(
            identity.urn in made_from for identity in own
        )
    known = [identity.outputs.get("clientId") for identity in own]
    if not all(isinstance(client, str) for client in known) or len(own) < _assigned(slot):
        return False
    return value.lower() not in {client.lower() for client in known if isinstance(client, str)}


def _assigned(slot: Slot) -> int:
    listed = slot.resource.get("identity", "userAssignedIdentities") if slot.resource else None
    return len(listed) if isinstance(listed, Mapping | list) else 0


def _identity_type(app: Resource) -> str:
    return (app.text("identity", "type") or "").lower()


def _reach(
    program: Program, site: Site, slot: Slot, principal: Resource, account: Resource, connection: str
) -> Iterator[Finding]:
    grants = _grants(program, principal, account)
    missing = missing_roles(grants.roles)
    if not missing:
        return
    if grants.unsure or slot.setting(connection) is UNKNOWN:
        yield later(slot.where, f"the role assignments of the identity of {slot.label}")
        return
    who = "its own identity" if principal == slot.resource else f"identity {principal.name!r}"
    yield Finding(
        principal,
        f"{slot.label} reaches storage as {who}, which lacks {', '.join(missing)} on account {account.name!r}. The "
        f"identity stays at a swap while the stores of site {site.label} move, so each slot meets each of them. Assign "
        "the roles on that account",
    )


def _grants(program: Program, principal: Resource, account: Resource) -> Grants:
    roles: set[str] = set()
    unsure = False
    for assignment in program.role_assignments:
        told = (_is_for(assignment, principal), _is_on(program, assignment, account))
        role = _role(assignment)
        if False in told:
            continue
        if None in told or role is None:
            unsure = True
        else:
            roles.add(role)
    return Grants(frozenset(roles), unsure)


def _is_for(assignment: Resource, principal: Resource) -> bool | None:
    """None if that can't be told yet."""
    if principal.urn in assignment.made_from("principalId"):
        return True
    given = assignment.text("principalId")
    own = principal.outputs.get("principalId")
    identity = principal.outputs.get("identity")
    if own is None and isinstance(identity, Mapping):
        own = identity.get("principalId")
    if given is None:
        return None if not assignment.made_from("principalId") else False
    return isinstance(own, str) and own.lower() == given.lower()


def _is_on(program: Program, assignment: Resource, account: Resource) -> bool | None:
    """Whether it covers an account: by its own scope or one above; None if that can't be told yet."""
    scope = assignment.text("scope")
    made_from = assignment.made_from("scope")
    if scope is not None:
        scope = scope.lower().rstrip("/")
        name = (account.text("accountName") or "?").lower()
        return scope.endswith(f"/storageaccounts/{name}") or "/providers/" not in scope
    if account.urn in made_from:
        return True
    kinds = {program.kinds.get(source) for source in made_from}
    if r.GROUP in kinds:
        return True
    return False if kinds and kinds <= {r.ACCOUNT, "storage:BlobContainer"} else None


def _role(assignment: Resource) -> str | None:
    definition = assignment.text("roleDefinitionId")
    return role_of(definition) if definition else None
