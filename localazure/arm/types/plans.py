"""App Service plans: their SKUs, and how many slots each tier gives a site."""

from __future__ import annotations

import re
from typing import Any, Final

from durable.plans import UnknownSkuError, canonical_sku, plan_family
from localazure.arm import api_versions
from localazure.arm.calls import Call, Reply, shown
from localazure.arm.errors import bad_request, conflict, invalid_content
from localazure.arm.ids import ResourceId, parse
from localazure.arm.resource_type import TrackedType
from localazure.arm.tree import Json, Resource
from localazure.arm.web_apps import SITE, SLOT

TYPE: Final = "Microsoft.Web/serverfarms"


_BY_TIER: Final = {
    "dynamic": "Y1",
    "flexconsumption": "FC1",
    "elasticpremium": "EP1",
    "free": "F1",
    "shared": "D1",
    "basic": "B1",
    "standard": "S1",
    "premium": "P1",
    "premiumv2": "P1v2",
    "premiumv3": "P1v3",
    "premiumv4": "P1v4",
    "isolated": "I1",
    "isolatedv2": "I1v2",
}


def refuse_too_many_slots(plan: Resource, slots: int) -> None:
    """409 if the plan doesn't give a site that many slots (production counts)."""
    family = plan_family(plan.body["sku"]["name"])
    if slots > family.slots:
        raise conflict(
            "Cannot complete the operation because the site will exceed the number of slots allowed for the "
            f"'{family.tier}' SKU: {family.slots} with production."
        )


def plan_of(call: Call, site: Resource) -> Resource | None:
    """The plan that a site or slot runs on."""
    return call.tree.get(parse(site.properties["serverFarmId"]))


def sites_on(call: Call, plan: Resource) -> list[Resource]:
    """The sites that run on a plan."""
    return [each for each in call.tree.of_type(SITE) if str(each.properties["serverFarmId"]).lower() == plan.id.key]


class Plans(TrackedType):
    """App Service plans."""

    type = TYPE
    versions = api_versions.WEB
    name_rule = re.compile(r"[A-Za-z0-9-]{1,40}")
    created = 200

    def invalid_name(self, wrong: ResourceId) -> Exception:
        return bad_request(
            f"The plan name '{wrong.name}' is invalid: 1 to 40 letters, digits and hyphens.", "InvalidResourceName"
        )

    def build(self, call: Call, body: Json, old: Resource | None) -> Resource:
        name, tier = _sku(body.get("sku") or (old.body["sku"] if old else {"name": "F1"}))
        given = body.get("properties") or {}
        if not isinstance(given, dict):
            raise invalid_content("'properties' must be an object")
        capacity = (body.get("sku") or {}).get("capacity")
        if capacity is None:
            capacity = old.body["sku"]["capacity"] if old else int(tier not in {"Dynamic", "Free", "Shared"})
        reserved = bool(given.get("reserved", old.properties["reserved"] if old else False))
        # P1v3 is of the family Pv3.
        family = re.sub(r"\dm?", "", name, count=1)
        properties = {
            "perSiteScaling": False,
            "elasticScaleEnabled": tier == "ElasticPremium",
            "maximumElasticWorkerCount": 1,
            "isSpot": False,
            "isXenon": False,
            "hyperV": False,
            "targetWorkerCount": 0,
            "targetWorkerSizeId": 0,
            "zoneRedundant": False,
            **(old.properties if old else {}),
            **{key: value for key, value in given.items() if value is not None},
            "reserved": reserved,
            "status": "Ready",
            "provisioningState": "Succeeded",
            "geoRegion": body["location"],
            "numberOfWorkers": capacity,
            "resourceGroup": call.id.group.name if call.id.group else None,
            "subscription": call.id.subscription.name if call.id.subscription else None,
        }
        made = {
            "location": body["location"],
            "tags": body.get("tags") or {},
            "kind": body.get("kind") or _default_kind(tier, reserved),
            "sku": {
                "name": name,
                "tier": tier,
                "size": name,
                "family": family,
                "capacity": capacity,
            },
            "properties": properties,
        }
        plan = Resource(old.id if old else call.id, made)
        for site in sites_on(call, plan):
            refuse_too_many_slots(plan, 1 + len(call.tree.below(site.id, SLOT)))
        return plan

    def removed(self, call: Call, old: Resource) -> None:
        sites = [each.name for each in sites_on(call, old)]
        if sites:
            names = ", ".join(sites)
            raise conflict(
                f"Server farm '{old.name}' cannot be deleted because it has web app(s) {names} assigned to it."
            )

    def view(self, call: Call, resource: Resource) -> Json:
        return shown(resource.with_properties(numberOfSites=len(sites_on(call, resource))))

    def stored(self, call: Call, made: Resource, old: Resource | None) -> Reply:  # noqa: ARG002
        return Reply(200, self.view(call, made))


def _sku(given: Any) -> tuple[str, str]:
    """The SKU's name in Azure's spelling, and its tier; told by name, or by tier alone."""
    if not isinstance(given, dict):
        raise invalid_content("'sku' must be an object")
    name = str(given.get("name") or given.get("size") or _BY_TIER.get(str(given.get("tier", "")).lower()))
    try:
        return canonical_sku(name), plan_family(name).tier
    except UnknownSkuError as error:
        message = f"Cannot find SkuName '{given.get('name') or given.get('tier')}': {error}."
        raise bad_request(message, "InvalidSku") from error


def _default_kind(tier: str, reserved: bool) -> str:
    kind = {"Dynamic": "functionapp", "FlexConsumption": "functionapp", "ElasticPremium": "elastic"}.get(tier, "app")
    return "linux" if reserved and kind == "app" else kind
