"""Name rules of the Azure resources that an app consists of (azure_facts.md 8), and names derived by them.

Each `…_problem` gives what is wrong with a name, for a person, or None.
"""

from __future__ import annotations

import hashlib
import re

_HOST_LABEL = 63
_ACCOUNT_LENGTH = 24
_DIGEST_LENGTH = 6


def _hyphenated_problem(what: str, name: str, longest: int) -> str | None:
    if 2 <= len(name) <= longest and re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", name):
        return None
    return f"{name!r} is no {what} name: 2 to {longest} letters (A-Z, a-z), digits and hyphens, no hyphen at an end"


def site_name_problem(name: str) -> str | None:
    return _hyphenated_problem("site", name, 60)


def slot_name_problem(name: str) -> str | None:
    """`production` is refused as well: it names the site itself."""
    if name.lower() == "production":
        return f"{name!r} names the site itself: give the slot another name, such as 'staging'"
    return _hyphenated_problem("slot", name, 59)


def slot_host_problem(site: str, slot: str) -> str | None:
    """Whether a slot's host name label, `<site>-<slot>`, is too long for DNS."""
    label = f"{site}-{slot}"
    if len(label) <= _HOST_LABEL:
        return None
    return (
        f"the slot's host name begins with {label!r}, which has {len(label)} characters and DNS allows {_HOST_LABEL}: "
        "shorten the site's or the slot's name"
    )


def plan_name_problem(name: str) -> str | None:
    if re.fullmatch(r"[A-Za-z0-9-]{1,40}", name):
        return None
    return f"{name!r} is no plan name: 1 to 40 letters (A-Z, a-z), digits and hyphens"


def resource_group_name_problem(name: str) -> str | None:
    """Source: resource-name-rules.md of the Azure documentation."""
    if 1 <= len(name) <= 90 and re.fullmatch(r"[\w().-]*[\w()-]", name):
        return None
    return (
        f"{name!r} is no resource group name: 1 to 90 letters, digits, underscores, hyphens, periods and parentheses, "
        "no period at the end"
    )


def storage_account_name_problem(name: str) -> str | None:
    if re.fullmatch(rf"[a-z0-9]{{3,{_ACCOUNT_LENGTH}}}", name):
        return None
    return f"{name!r} is no storage account name: 3 to {_ACCOUNT_LENGTH} lower-case letters (a-z) and digits"


def function_name_problem(name: str) -> str | None:
    """The rule of the Functions host for the names of functions."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,126}", name):
        return None
    return f"{name!r} is no function name: 1 to 127 letters (A-Z, a-z), digits, underscores and hyphens, a letter first"


def storage_account_name(site: str, role: str) -> str:
    """A storage account's name made of a site's name: the same each time, as unique in Azure as the site's own name.

    `role` is a short word of lower-case letters; a few characters of a hash stand for what had to be left out.
    """
    digest = hashlib.sha256(site.lower().encode()).hexdigest()[:_DIGEST_LENGTH]
    words = re.sub(r"[^a-z0-9]", "", site.lower())
    return words[: _ACCOUNT_LENGTH - _DIGEST_LENGTH - len(role)] + digest + role


def content_share_name(site: str, colour: str) -> str:
    """The name of the file share that goes with a store: 3 to 63 lower-case letters, digits and single hyphens.

    It depends on nothing that a release changes: a slot that is given another share shows other or no files
    (azure_facts.md 5.4).
    """
    digest = hashlib.sha256(site.lower().encode()).hexdigest()[:_DIGEST_LENGTH]
    words = re.sub(r"-+", "-", site.lower())
    return f"{words[:40].strip('-')}-{digest}-{colour}"


def plan_name(site: str) -> str:
    """The name of a site's own plan."""
    return f"{site[:35].rstrip('-')}-plan"


def identity_name(site: str) -> str:
    """The name of the identity that a site reads its packages with: 3 to 128 letters, digits and hyphens."""
    return f"{site}-identity"


def insights_name(site: str) -> str:
    """The name of a site's own Application Insights component: up to 260 characters."""
    return f"{site}-insights"


def workspace_name(site: str) -> str:
    """The name of a site's own Log Analytics workspace: 4 to 63 letters, digits and hyphens."""
    return f"{site[:58].rstrip('-')}-logs"
