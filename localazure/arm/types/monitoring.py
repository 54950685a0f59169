"""Log Analytics workspaces and Application Insights components: made and read, they take in no data."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import Final

from localazure.arm import api_versions
from localazure.arm.calls import Call, Reply
from localazure.arm.errors import bad_request
from localazure.arm.events import now
from localazure.arm.ids import ResourceId, parse
from localazure.arm.resource_type import Action, TrackedType, require
from localazure.arm.tree import Json, Resource
from localazure.identity import SUBSCRIPTION_ID

WORKSPACE: Final = "Microsoft.OperationalInsights/workspaces"
_WORKSPACE_COMPUTED: Final = ("customerId", "createdDate", "modifiedDate", "provisioningState")


class Workspaces(TrackedType):
    """Log Analytics workspaces."""

    type = WORKSPACE
    versions = api_versions.OPERATIONAL_INSIGHTS
    name_rule = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]")

    @property
    def actions(self) -> dict[str, Action]:
        return {"sharedkeys": Action(_shared_keys)}

    def build(self, call: Call, body: Json, old: Resource | None) -> Resource:
        given = {
            name: value
            for name, value in (body.get("properties") or {}).items()
            if value is not None and name not in _WORKSPACE_COMPUTED
        }
        sku = given.pop("sku", None) or {"name": "PerGB2018"}
        properties = {
            "retentionInDays": 30,
            "features": {"legacy": 0, "searchVersion": 1, "enableLogAccessUsingOnlyResourcePermissions": True},
            "workspaceCapping": {"dailyQuotaGb": -1.0, "dataIngestionStatus": "RespectQuota"},
            "publicNetworkAccessForIngestion": "Enabled",
            "publicNetworkAccessForQuery": "Enabled",
            **given,
            "sku": sku,
            "provisioningState": "Succeeded",
            "customerId": old.properties["customerId"] if old else str(uuid.uuid4()),
            "createdDate": old.properties["createdDate"] if old else now(),
            "modifiedDate": now(),
        }
        made = {"location": body["location"], "tags": body.get("tags") or {}, "properties": properties}
        hidden = old.hidden if old else {"keys": [str(uuid.uuid4()), str(uuid.uuid4())]}
        return Resource(old.id if old else call.id, made, hidden)


class Components(TrackedType):
    """Application Insights components."""

    type = "Microsoft.Insights/components"
    versions = api_versions.INSIGHTS
    name_rule = re.compile(r"[\w.()-]{1,255}")
    created = 200

    def build(self, call: Call, body: Json, old: Resource | None) -> Resource:
        kind = body.get("kind")
        if not kind:
            raise bad_request("The 'kind' of a component is required, such as web.", "InvalidRequestContent")
        given = {name: value for name, value in (body.get("properties") or {}).items() if value is not None}
        _check_workspace(call, given.get("WorkspaceResourceId"))
        before = old.properties if old else {}
        key = before.get("InstrumentationKey") or str(uuid.uuid4())
        application = before.get("AppId") or str(uuid.uuid4())
        endpoint = f"{call.services.base_url}/"
        properties = {
            "Application_Type": "web",
            "Flow_Type": "Bluefield",
            "Request_Source": "rest",
            "RetentionInDays": 90,
            "IngestionMode": "LogAnalytics" if given.get("WorkspaceResourceId") else "ApplicationInsights",
            "publicNetworkAccessForIngestion": "Enabled",
            "publicNetworkAccessForQuery": "Enabled",
            **given,
            "ApplicationId": call.id.name,
            "AppId": application,
            "Name": call.id.name,
            "CreationDate": before.get("CreationDate") or datetime.now(UTC).isoformat(),
            "TenantId": SUBSCRIPTION_ID,
            "InstrumentationKey": key,
            "ConnectionString": f"InstrumentationKey={key};IngestionEndpoint={endpoint};ApplicationId={application}",
            "provisioningState": "Succeeded",
        }
        made = {"location": body["location"], "tags": body.get("tags") or {}, "kind": kind, "properties": properties}
        return Resource(old.id if old else call.id, made)


def _check_workspace(call: Call, given: object) -> None:
    """A workspace-based component needs its workspace."""
    if given is None:
        return
    try:
        wanted: ResourceId = parse(str(given))
    except ValueError as error:
        raise bad_request(f"WorkspaceResourceId: {error}.", "InvalidWorkspaceResourceId") from error
    if not wanted.is_a(WORKSPACE):
        raise bad_request(f"WorkspaceResourceId: '{given}' is no workspace.", "InvalidWorkspaceResourceId")
    require(call, wanted)


def _shared_keys(call: Call) -> Reply:
    first, second = call.resource().hidden["keys"]
    return Reply(200, {"primarySharedKey": first, "secondarySharedKey": second})
