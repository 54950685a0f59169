"""What else a swap moves and keeps: content share, package, starters, event sources, and the lists themselves."""

from __future__ import annotations

from collections.abc import Iterator

from durable import app_settings, plans
from policies.addresses import Same, address_of, same
from policies.config import Config
from policies.finding import Finding, later
from policies.model import Program, Site, Slot
from policies.resources import Resource
from policies.scope import (
    durable_sites,
    durable_sites_with_slots,
    function_apps_with_slots,
    pairs,
)
from policies.values import UNKNOWN


def content_share(program: Program, config: Config) -> Iterator[Finding]:
    name = app_settings.CONTENT_SHARE
    for site in function_apps_with_slots(program, config):
        if resource := _sticky(site, name):
            yield Finding(
                resource,
                f"{name!r} of site {site.label} is sticky. At a swap the slots would keep their old files. Take it out "
                "of appSettingNames",
            )
        for one, other in pairs(site):
            first, second = one.setting(name), other.setting(name)
            if first is None or second is None:
                continue
            if UNKNOWN in (first, second):
                yield later(other.where, f"{name!r} of {one.label} and of {other.label}")
            elif first.lower() == second.lower() and _same_files(program, one, other):
                yield Finding(
                    other.origin(name),
                    f"{name!r} is {second!r} in {one.label} and in {other.label}. Both would run the same files, so "
                    "deploying to one changes the other. Give each slot a share of its own",
                )


def _same_files(program: Program, one: Slot, other: Slot) -> bool:
    addresses = [address_of(program, slot, app_settings.CONTENT_CONNECTION) for slot in (one, other)]
    if addresses[0] is None or addresses[1] is None:
        return True
    return same(addresses[0], addresses[1]) is not Same.NO


def package_not_sticky(program: Program, config: Config) -> Iterator[Finding]:
    for site in function_apps_with_slots(program, config):
        for name in (app_settings.PACKAGE, app_settings.PACKAGE_IDENTITY):
            if resource := _sticky(site, name):
                yield Finding(
                    resource,
                    f"{name!r} of site {site.label} is sticky. A swap then exchanges the stores but not the code, so "
                    "each hub meets the other version. Take it out of appSettingNames",
                )


def starters_disabled(program: Program, config: Config) -> Iterator[Finding]:
    for site in durable_sites_with_slots(program, config):
        for slot in site.others:
            for function in config.starters_of(site.name or ""):
                yield from _starter(site, slot, function)


def _starter(site: Site, slot: Slot, function: str) -> Iterator[Finding]:
    documented = app_settings.disabled_setting(function)
    names = [documented, documented.replace(".", "_")]  # the host reads both (azure_facts.md 4.5)
    name = next((name for name in names if slot.setting(name) is not None), None)
    value = slot.setting(name) if name else None
    if value is UNKNOWN or (value is None and not slot.complete):
        yield later(slot.where, f"{documented!r} of {slot.label}")
    elif value is None or value.lower() not in ("true", "1"):
        yield Finding(
            slot.where,
            f"{documented!r} isn't 'true' in {slot.label}. The starter runs there too, and starts each orchestration a "
            "second time, with code that isn't released. Set it to 'true' and make it sticky",
        )
    elif name and not site.is_sticky(name):
        if not site.sticky_known:
            yield later(site.slot_names[0], f"the list of sticky settings of site {site.label}")
            return
        yield Finding(
            slot.where,
            f"{name!r} of {slot.label} isn't sticky. A swap would move it to production and switch the starter off "
            "there. Add it to appSettingNames",
        )


def event_sources_sticky(program: Program, config: Config) -> Iterator[Finding]:
    for site in function_apps_with_slots(program, config):
        for name in config.event_sources:
            where = next((slot for slot in site.slots if slot.setting(name) is not None), None)
            if where is None or site.is_sticky(name):
                continue
            if not site.sticky_known:
                yield later(site.slot_names[0], f"the list of sticky settings of site {site.label}")
                continue
            yield Finding(
                where.origin(name),
                f"{name!r} of site {site.label} names a source of events and isn't sticky. During a swap staging's "
                "code would take production's messages. Add it to appSettingNames",
            )


def in_sub_resource(program: Program, config: Config) -> Iterator[Finding]:
    for site in durable_sites(program, config):
        for slot in site.slots:
            app = slot.resource
            inline = app.get("siteConfig", "appSettings") if app else None
            if app is None or inline is None or inline == []:
                continue
            if slot.written_in:
                twice = f" and in {', '.join(repr(resource.name) for resource in slot.written_in)}: the two overwrite"
                what = f"{twice} each other at every update"
            else:
                what = ", where drift isn't seen and a swap makes the next update write the old values back"
            kind = "WebAppApplicationSettings" + ("" if slot.name is None else "Slot")
            yield Finding(
                app,
                f"{slot.label} has app settings in siteConfig.appSettings{what}. Write all of them into one {kind}",
            )


def names_once(program: Program, _config: Config) -> Iterator[Finding]:
    for site in program.sites:
        for resource in site.slot_names[1:]:
            yield Finding(
                resource,
                f"site {site.label} has two lists of sticky settings, {site.slot_names[0].name!r} and "
                f"{resource.name!r}. There is one in Azure, and the last write wins, so settings that should stay "
                "would travel or the reverse. Merge them",
            )


def plan_supports_slots(program: Program, _config: Config) -> Iterator[Finding]:
    for site in program.sites:
        if not site.has_slots or site.resource is None:
            continue
        needed = len(site.slots)
        blamed = next((slot.where for slot in reversed(site.others) if slot.resource is not None), site.where)
        if site.resource.get("functionAppConfig") is not None:
            yield Finding(
                blamed,
                f"site {site.label} runs on Flex Consumption, which has no slots. Take another plan, or two apps "
                "behind a router",
            )
            continue
        plan = plan_of(program, site.resource)
        sku = plan.get("sku", "name") if plan else None
        if plan is None or sku is None:
            continue
        if sku is UNKNOWN:
            yield later(blamed, f"the SKU of plan {plan.name!r}")
            continue
        try:
            plans.plan_family(sku)
        except plans.UnknownSkuError:
            continue  # a new SKU may have slots
        if problem := plans.slots_problem(sku, needed):
            yield Finding(
                blamed,
                f"site {site.label} has {needed} slots, production included, on plan {plan.name!r}, so Azure "
                f"refuses the last one: {problem}",
            )


def plan_of(program: Program, app: Resource) -> Resource | None:
    """The plan that a site is on, if it is in the program."""
    plan_id = app.get("serverFarmId")
    if isinstance(plan_id, str):
        name = plan_id.rstrip("/").rpartition("/")[2].lower()
        return next((plan for plan in program.plans if (plan.text("name") or "").lower() == name), None)
    made_from = app.made_from("serverFarmId")
    return next((plan for plan in program.plans if plan.urn in made_from), None)


def auto_swap_off(program: Program, config: Config) -> Iterator[Finding]:
    for site in durable_sites(program, config):
        for app in site.apps:
            if app.get("siteConfig", "autoSwapSlotName"):
                yield Finding(
                    app,
                    f"{app.name!r} of site {site.label} has autoSwapSlotName. Azure then swaps after each deployment, "
                    "and nothing can wait until orchestrations are done. Take it out, and swap in the release",
                )


def kind_matches(program: Program, config: Config) -> Iterator[Finding]:
    for site in function_apps_with_slots(program, config):
        production = next((slot for slot in site.slots if slot.name is None and slot.resource is not None), None)
        if production is None:
            continue
        for slot in site.others:
            yield from _mismatches(production, slot)


def _mismatches(production: Slot, slot: Slot) -> Iterator[Finding]:
    blamed = slot.resource or slot.where
    for what, of in (("kind", _kind), ("operating system", _system), ("runtime", _runtime)):
        theirs, own = of(production), of(slot)
        if theirs is not None and own is not None and theirs != own:
            yield Finding(
                blamed,
                f"{slot.label} has {what} {own!r}, and production has {theirs!r}. A swap would run the code on a host "
                f"that can't. Give the slot the {what} of its site",
            )
            return


def _kind(slot: Slot) -> str | None:
    """Whether it is a function app, by its kind: what else the kind holds is about the operating system."""
    kind = slot.resource.text("kind") if slot.resource else None
    if not kind:
        return None
    return "functionapp" if "functionapp" in kind.lower().split(",") else kind


def _system(slot: Slot) -> str | None:
    app = slot.resource
    if app is None:
        return None
    if app.get("reserved") is True or app.text("siteConfig", "linuxFxVersion"):
        return "Linux"
    if "linux" in (app.text("kind") or "").lower().split(","):
        return "Linux"
    if app.get("reserved") is False or app.text("siteConfig", "windowsFxVersion"):
        return "Windows"
    return None


def _runtime(slot: Slot) -> str | None:
    """The language; its version may differ, since a release may bring a newer one."""
    if worker := slot.text(app_settings.WORKER_RUNTIME):
        # In-process .NET apps move to `dotnet-isolated` by way of a staging slot.
        return worker.lower().partition("-")[0]
    fx_version = slot.resource.text("siteConfig", "linuxFxVersion") if slot.resource else None
    language = (fx_version or "").partition("|")[0].lower()
    return language if language and language != "docker" else None


def _sticky(site: Site, setting: str) -> Resource | None:
    return next((resource for name, resource in site.sticky.items() if name.lower() == setting.lower()), None)
