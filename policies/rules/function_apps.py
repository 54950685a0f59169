"""Function apps: closed to plain traffic, not too many on a plan, and without keys where something better can stand."""

from __future__ import annotations

from collections.abc import Iterator

from durable import app_settings, plans
from durable.connections import account_of_endpoint, parse_connection_string
from policies.config import Config
from policies.finding import Finding, advice, later
from policies.model import Program
from policies.resources import Resource
from policies.rules.slots import plan_of
from policies.scope import is_durable
from policies.values import UNKNOWN

MOST_APPS = 100
"""Function apps on a Consumption or Premium plan (azure_facts.md 8)."""
MANY_APPS = 90

_WEAK_TLS = frozenset({"1.0", "1.1"})
_LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")


def hardened(program: Program, config: Config) -> Iterator[Finding]:
    for site in program.sites:
        if site.is_function_app or is_durable(program, site, config):
            for app in site.apps:
                yield from _hardened(app)


def _hardened(app: Resource) -> Iterator[Finding]:
    https = app.get("httpsOnly")
    if https is UNKNOWN:
        yield later(app, f"httpsOnly of {app.name!r}")
    weak = [] if https is True or https is UNKNOWN else ["httpsOnly off"]
    for name in ("minTlsVersion", "scmMinTlsVersion"):
        if app.text("siteConfig", name) in _WEAK_TLS:
            weak.append(f"{name} below 1.2")
    if (app.text("siteConfig", "ftpsState") or "").lower() == "allallowed":
        weak.append("plain FTP")
    if app.get("siteConfig", "remoteDebuggingEnabled") is True:
        weak.append("remote debugging")
    if weak:
        yield Finding(
            app,
            f"function app {app.name!r} has {' and '.join(weak)}. Function keys and code pass in the clear or lie "
            "open. Set httpsOnly, TLS 1.2 for app and scm site, ftpsState Disabled, and no remote debugging",
        )


def quota(program: Program, config: Config) -> Iterator[Finding]:
    apps: dict[str, list[Resource]] = {}
    found = {plan.urn: plan for plan in program.plans}
    for site in program.sites:
        if site.resource is not None and (site.is_function_app or is_durable(program, site, config)):
            plan = plan_of(program, site.resource)
            if plan is not None:
                apps.setdefault(plan.urn, []).append(site.resource)
    for urn, on_it in apps.items():
        plan = found[urn]
        if len(on_it) < MANY_APPS:
            continue
        sku = plan.get("sku", "name")
        if sku is UNKNOWN:
            yield later(plan, f"the SKU of plan {plan.name!r}")
        elif isinstance(sku, str) and _is_limited(sku):
            text = f"plan {plan.name!r} ({sku}) has {len(on_it)} function apps, and Azure allows {MOST_APPS}. "
            fix = "Remove drained version lines, or spread the apps over more plans"
            if len(on_it) > MOST_APPS:
                yield Finding(plan, f"{text}The ones above that can't be created. {fix}")
            else:
                yield advice(plan, f"{text}The next version lines won't fit. {fix}")


def _is_limited(sku: str) -> bool:
    try:
        return plans.plan_family(sku).tier in ("Dynamic", "ElasticPremium")
    except plans.UnknownSkuError:
        return False


def secret_by_reference(program: Program, config: Config) -> Iterator[Finding]:
    for site in program.sites:
        if not (site.is_function_app or is_durable(program, site, config)):
            continue
        names = {
            name: slot
            for slot in reversed(site.slots)
            for name, value in slot.settings.items()
            # The platform mounts the content share before it has an identity (azure_facts.md 6).
            if isinstance(value, str) and name.upper() != app_settings.CONTENT_CONNECTION and _has_account_key(value)
        }
        if names:
            listed = ", ".join(map(repr, sorted(names)))
            yield Finding(
                names[sorted(names)[0]].where,
                f"site {site.label} has an account key in {listed}. Who reads the settings or the state can read and "
                "change all data of the account. Use an identity (…__accountName) or a Key Vault reference",
            )


def _has_account_key(value: str) -> bool:
    """A key to an account that an identity could reach as well, which an emulator's on loopback isn't."""
    try:
        parts = parse_connection_string(value)
    except ValueError:
        return False
    endpoint = parts.get("blobendpoint", "")
    emulated = endpoint.startswith(_LOOPBACK) and account_of_endpoint(endpoint) is not None
    return bool(parts.get("accountkey")) and not emulated
