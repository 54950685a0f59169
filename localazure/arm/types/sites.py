"""Sites and their slots."""

from __future__ import annotations

import re
import secrets
from typing import Any, Final

from localazure.arm import api_versions, workers
from localazure.arm.calls import Call, Reply, shown
from localazure.arm.errors import ArmError, bad_request, conflict, invalid_content, not_found
from localazure.arm.events import Phase, now
from localazure.arm.ids import ResourceId, parse
from localazure.arm.resource_type import Action, TrackedType, require
from localazure.arm.tree import Json, Resource
from localazure.arm.types import plans
from localazure.arm.types.identities import filled_identity
from localazure.arm.types.site_actions import ACTIONS
from localazure.arm.types.site_config import put_site_config
from localazure.arm.web_apps import (
    DOMAIN,
    PRODUCTION,
    SITE,
    SLOT,
    SWAP,
    app_at,
    host_label,
    refuse_during_swap,
    site_of,
)
from localazure.arm.workers import Running, Worker

_LABEL: Final = 63
"""A host name's label has at most this many characters (RFC 1035)."""

_READ_ONLY: Final = frozenset(
    (
        "availabilityState",
        "defaultHostName",
        "enabledHostNames",
        "hostNames",
        "hostNameSslStates",
        "inProgressOperationId",
        "lastModifiedTimeUtc",
        "name",
        "repositorySiteName",
        "resourceGroup",
        "siteConfig",
        "slotSwapStatus",
        "state",
        "usageState",
    )
)
_DEFAULTS: Final[Json] = {
    "adminEnabled": True,
    "clientAffinityEnabled": False,
    "clientCertEnabled": False,
    "clientCertMode": "Required",
    "containerSize": 1536,
    "dailyMemoryTimeQuota": 0,
    "enabled": True,
    "hostNamesDisabled": False,
    "httpsOnly": False,
    "hyperV": False,
    "isXenon": False,
    "keyVaultReferenceIdentity": "SystemAssigned",
    "publicNetworkAccess": None,
    "redundancyMode": "None",
    "reserved": False,
    "storageAccountRequired": False,
}
_NO_CONFIG: Final[Json] = {
    "numberOfWorkers": None,
    "linuxFxVersion": None,
    "appSettings": None,
    "connectionStrings": None,
}
"""App Service never shows a site's settings with the site itself."""


class Sites(TrackedType):
    """Sites: the production slots."""

    type = SITE
    versions = api_versions.WEB
    created = 200
    name_rule = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]")

    @property
    def actions(self) -> dict[str, Action]:
        return ACTIONS

    def before_change(self, call: Call) -> None:
        refuse_during_swap(call.services.operations, call.id)

    def invalid_name(self, wrong: ResourceId) -> Exception:
        return bad_request(
            f"The site name '{wrong.name}' is invalid: 2 to 60 letters, digits and hyphens, no hyphen at either end."
        )

    def check_name(self, call: Call) -> None:
        super().check_name(call)
        label = host_label(call.id)
        if len(label) > _LABEL:
            raise bad_request(
                f"The host name '{label}' of site and slot has {len(label)} characters: at most {_LABEL} are possible."
            )
        if app_at(call.tree, label) is not None:
            raise conflict(f"Website with given name {label} already exists.")

    def build(self, call: Call, body: Json, old: Resource | None) -> Resource:
        given = body.get("properties") or {}
        if not isinstance(given, dict):
            raise invalid_content("'properties' must be an object")
        plan = self._plan(call, given, old)
        if not isinstance(given.get("siteConfig") or {}, dict):
            raise invalid_content("'siteConfig' must be an object")
        app = old.id if old else call.id
        host = f"{host_label(app)}.{DOMAIN}"
        properties = {
            **_DEFAULTS,
            **(old.properties if old else {}),
            **{name: value for name, value in given.items() if value is not None and name not in _READ_ONLY},
            "name": _web_name(app),
            "repositorySiteName": site_of(app).name,
            "usageState": "Normal",
            "availabilityState": "Normal",
            "defaultHostName": host,
            "hostNames": [host],
            "enabledHostNames": [host],
            "hostNameSslStates": [{"name": host, "sslState": "Disabled", "hostType": "Standard"}],
            "serverFarmId": plan.id.text,
            "sku": plan.body["sku"]["tier"],
            "resourceGroup": app.group.name if app.group else None,
            "lastModifiedTimeUtc": now(),
            "state": old.properties["state"] if old else "Running",
        }
        made: Json = {"location": body["location"], "tags": body.get("tags") or {}, "properties": properties}
        made["kind"] = body.get("kind") or (old.body["kind"] if old else "app")
        if (identity := filled_identity(call, body.get("identity"), old)) is not None:
            made["identity"] = identity
        hidden = old.hidden if old else {"worker": Worker(Running.RUNNING, {}).to_json(), "keys": _host_keys()}
        return Resource(app, made, hidden)

    def stored(self, call: Call, made: Resource, old: Resource | None) -> Reply:
        changed = put_site_config(call, made.id, call.properties.get("siteConfig") or {})
        if old is None:
            workers.start(call.services, made.id, Phase.CREATED)
        elif changed:
            workers.start(call.services, made.id, Phase.SETTINGS_CHANGED)
        self._follow_enabled(call, made.id)
        return Reply(200, self.view(call, require(call, made.id)))

    def delete(self, call: Call) -> Reply:
        old = call.tree.get(call.id)
        reply = super().delete(call)
        keep_plan = call.query.get("deleteEmptyServerFarm", "true").lower() == "false"
        # By default Azure takes an empty plan away with its last site (WebApps_Delete in the REST reference).
        if old is not None and self.type == SITE and not keep_plan:
            plan = plans.plan_of(call, old)
            if plan is not None and not plans.sites_on(call, plan):
                call.tree.delete(plan.id)
        return reply

    def removed(self, call: Call, old: Resource) -> None:
        gone = [old, *call.tree.below(old.id, SLOT)]
        for app in gone:
            workers.deleted(call.services, app)

    def view(self, call: Call, resource: Resource) -> Json:
        swap = call.services.operations.running(SWAP, site_of(resource.id).key)
        pending = swap.id if swap else None
        app = shown(resource.with_properties(siteConfig=_NO_CONFIG, inProgressOperationId=pending))
        return {**app, "name": _web_name(resource.id)}

    def _plan(self, call: Call, given: Json, old: Resource | None) -> Resource:
        """The plan that the body names, or the one that the app has already; refused if it can't carry the app."""
        wanted = given.get("serverFarmId") or (old.properties["serverFarmId"] if old else None)
        if wanted is None:
            raise bad_request("The parameter serverFarmId is required: the id of an App Service plan.")
        plan = _find_plan(call, wanted)
        slots = len(call.tree.below(site_of(call.id), SLOT))
        plans.refuse_too_many_slots(plan, 1 + slots + int(self.type == SLOT and old is None))
        return plan

    @staticmethod
    def _follow_enabled(call: Call, app: ResourceId) -> None:
        """Bring the worker in line with `enabled`, which stops and starts a site, too."""
        found = require(call, app)
        enabled = call.properties.get("enabled")
        if enabled is False:
            workers.stop(call.services, found)
        elif enabled is True and Worker.of(found).state is Running.STOPPED:
            workers.start(call.services, app, Phase.STARTED)


class Slots(Sites):
    """Deployment slots; a new one has no settings: to copy production's is a habit of clients, not of ARM."""

    type = SLOT
    name_rule = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,57}[A-Za-z0-9]")

    def invalid_name(self, wrong: ResourceId) -> Exception:
        return bad_request(
            f"The slot name '{wrong.name}' is invalid: 2 to 59 letters, digits and hyphens, no hyphen at either end."
        )

    def check_name(self, call: Call) -> None:
        super().check_name(call)
        if call.id.name.lower() == PRODUCTION:
            raise bad_request(f"The slot name '{call.id.name}' is reserved.")

    def build(self, call: Call, body: Json, old: Resource | None) -> Resource:
        if call.tree.get(site_of(call.id)) is None:
            return super().build(call, body, old)
        site = require(call, site_of(call.id))
        given = {"serverFarmId": site.properties["serverFarmId"], **(body.get("properties") or {})}
        return super().build(call, {"kind": site.body["kind"], **body, "properties": given}, old)

    def removed(self, call: Call, old: Resource) -> None:
        super().removed(call, old)
        site = require(call, site_of(old.id))
        preview = site.hidden.get("preview") or {}
        if old.name.lower() in {preview.get("source"), preview.get("target")}:
            call.tree.put(site.with_hidden(preview=None))


def _find_plan(call: Call, wanted: Any) -> Resource:
    """A plan by its id, or by its name in the site's own resource group."""
    group = call.id.group
    text = str(wanted)
    if group is not None and "/" not in text:
        text = group.extension("Microsoft.Web", "serverfarms", text).text
    try:
        plan = parse(text)
    except ValueError as error:
        raise bad_request(f"The parameter serverFarmId has an invalid value: {error}.") from error
    found = call.tree.get(plan)
    if found is None or not plan.is_a(plans.TYPE):
        raise _no_plan(plan)
    return found


def _no_plan(plan: ResourceId) -> ArmError:
    return not_found(f"Cannot find App Service plan with name '{plan.name}': '{plan.text}' does not exist.")


def _web_name(app: ResourceId) -> str:
    return app.name if app.is_a(SITE) else f"{site_of(app).name}/{app.name}"


def _host_keys() -> Json:
    return {name: secrets.token_urlsafe(40) for name in ("master", "default", "durabletask_extension")}
