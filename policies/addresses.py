"""Where a connection leads, as far as the program tells: to an account, behind a reference, or not known yet.

In a first preview a connection string is an output and unknown. The engine then tells which resources went into the
settings as a whole, so the accounts among them are what the connection may lead to. That is enough to refuse what is
wrong whichever it is, and to stay quiet where it can be right; `pulumi up` sees the values and decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from durable import connections
from policies import resources as r
from policies.model import Program, Slot
from policies.values import UNKNOWN

_WITHOUT_ACCOUNT = ("web:", "applicationinsights:", "operationalinsights:", "managedidentity:", "insights:")
_NO_CARRIERS = frozenset({r.ACCOUNT, r.BLOB, r.GROUP, "storage:BlobContainer", r.ROLE_ASSIGNMENT})
"""Types whose outputs hold no connection to an account that isn't a source itself."""


class Same(Enum):
    """Whether two connections lead to one account."""

    YES = "yes"
    NO = "no"
    OPEN = "open"
    """Either can be, and what is known in the preview allows both: quiet until `pulumi up` knows."""
    LATER = "later"
    """Nothing at all is known yet."""
    NEVER = "never"
    """Hidden behind a reference that no one here can follow."""


@dataclass(frozen=True)
class Address:
    """`accounts` are all that it may lead to, by key of `Program.accounts`; `known` if they are read from values.

    `others` if it may lead to accounts besides these. `reference` is the text of a value that names no account, such as
    a Key Vault reference.
    """

    accounts: frozenset[str] = frozenset()
    known: bool = False
    others: bool = False
    reference: str | None = None

    @property
    def account(self) -> str | None:
        """The one account that it surely leads to."""
        return next(iter(self.accounts)) if len(self.accounts) == 1 and not self.others else None


def address_of(program: Program, slot: Slot, connection: str) -> Address | None:
    """Where a slot's connection leads; None if the program doesn't set it there."""
    family = connections.family(slot.settings, connection)
    if not family:
        return _of_connection_string(slot, connection)
    known = {name: slot.settings[name] for name in family if isinstance(slot.settings[name], str)}
    if accounts := connections.accounts_of(known, connection):
        return Address(frozenset(account.lower() for account in accounts), known=True)
    unknown = [name for name in family if slot.settings[name] is UNKNOWN]
    if unknown:
        return _possible(program, frozenset().union(*(slot.origins[name].sources for name in unknown)))
    return Address(reference=" ".join(known[name] for name in sorted(known)))


def same(one: Address, other: Address) -> Same:
    if one.reference is not None or other.reference is not None:
        return Same.YES if one.reference == other.reference else Same.NEVER
    if one.account is not None and one.account == other.account:
        return Same.YES
    if any(not address.accounts for address in (one, other)):
        return Same.LATER
    if one.accounts & other.accounts or one.others or other.others:
        return Same.OPEN
    return Same.NO


def _of_connection_string(slot: Slot, connection: str) -> Address | None:
    """A connection may stand among the connection strings too: the extension looks there first (azure_facts.md 1.3)."""
    for name, value in slot.connection_strings.items():
        if connections.belongs_to(name, connection):
            if not isinstance(value, str):
                return Address(others=True)
            account = connections.account_of_connection_string(value)
            return Address(frozenset({account.lower()}), known=True) if account else Address(reference=value)
    return None


def _possible(program: Program, sources: frozenset[str]) -> Address:
    accounts = {key for key, account in program.accounts.items() if account.urn in sources}
    others = any(_may_carry_an_account(program.kinds.get(source, "")) for source in sources)
    return Address(frozenset(accounts), others=others or not accounts)


def _may_carry_an_account(kind: str) -> bool:
    return kind not in _NO_CARRIERS and not kind.startswith(_WITHOUT_ACCOUNT)
