"""What the azure-native SDK doesn't tell about its types: paths, names in ARM's bodies, replacements, deletes.

Paths and names are those of the published specification (Azure/azure-rest-api-specs); replacements and default bodies
those of the real provider (pulumi-azure-native, provider/pkg/gen/replacement.go and provider/pkg/openapi/defaults).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from localazure.provider.catalogue import Autoname

GROUP: Final = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
ACCOUNT: Final = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{{accountName}}"
BLOB_SERVICE: Final = f"{ACCOUNT}/blobServices/default"
SITE: Final = f"{GROUP}/providers/Microsoft.Web/sites/{{name}}"
SLOT: Final = f"{SITE}/slots/{{slot}}"


@dataclass(frozen=True)
class Resource:
    """A resource type; `getter` names its SDK function that reads one, if it has one."""

    module: str
    name: str
    path: str
    autoname: Autoname | None = None
    replaces: frozenset[str] = frozenset()
    default_body: Mapping[str, Any] | None = None
    read_suffix: str = ""
    merges_site_config: bool = False
    inside_properties: frozenset[str] = frozenset()
    """Properties that ARM keeps under `properties` although they are called as those of its envelope."""
    getter: str | None = None


@dataclass(frozen=True)
class Function:
    """An SDK function that ARM serves by POST; it answers ARM's body as it is."""

    module: str
    name: str
    path: str


EMPTY: Final[Mapping[str, Any]] = {"properties": {}}


def _settings(name: str, segment: str) -> list[Resource]:
    """A settings document of a site and of a slot; ARM reads it by POST since it holds secrets."""
    return [
        Resource("web", f"{name}{suffix}", f"{owner}/config/{segment}", default_body=EMPTY, read_suffix="/list")
        for owner, suffix in ((SITE, ""), (SLOT, "Slot"))
    ]


RESOURCES: Final = (
    Resource(
        "resources",
        "ResourceGroup",
        GROUP,
        Autoname.RANDOM,
        replaces=frozenset({"location"}),
        getter="get_resource_group",
    ),
    Resource(
        "storage",
        "StorageAccount",
        ACCOUNT,
        Autoname.RANDOM,
        replaces=frozenset({"isHnsEnabled", "location"}),
        getter="get_storage_account",
    ),
    Resource(
        "storage",
        "BlobServiceProperties",
        f"{ACCOUNT}/blobServices/{{blobServicesName}}",
        default_body={"properties": {"cors": {"corsRules": []}}},
        getter="get_blob_service_properties",
    ),
    Resource(
        "storage",
        "BlobContainer",
        f"{BLOB_SERVICE}/containers/{{containerName}}",
        Autoname.COPY,
        getter="get_blob_container",
    ),
    Resource(
        "storage",
        "Blob",
        f"{BLOB_SERVICE}/containers/{{containerName}}/blobs/{{blobName}}",
        Autoname.COPY,
        replaces=frozenset({"contentMd5", "source", "type"}),
    ),
    Resource(
        "web",
        "AppServicePlan",
        f"{GROUP}/providers/Microsoft.Web/serverfarms/{{name}}",
        Autoname.RANDOM,
        replaces=frozenset({"location"}),
        getter="get_app_service_plan",
    ),
    Resource(
        "web",
        "WebApp",
        SITE,
        Autoname.RANDOM,
        replaces=frozenset({"location", "kind"}),
        merges_site_config=True,
        getter="get_web_app",
    ),
    Resource("web", "WebAppSlot", SLOT, Autoname.COPY, merges_site_config=True, getter="get_web_app_slot"),
    *_settings("WebAppApplicationSettings", "appsettings"),
    *_settings("WebAppConnectionStrings", "connectionstrings"),
    *_settings("WebAppMetadata", "metadata"),
    Resource(
        "web",
        "WebAppSlotConfigurationNames",
        f"{SITE}/config/slotConfigNames",
        default_body={
            "properties": {"appSettingNames": [], "azureStorageConfigNames": [], "connectionStringNames": []}
        },
        getter="get_web_app_slot_configuration_names",
    ),
    Resource(
        "authorization",
        "RoleAssignment",
        "/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
        Autoname.UUID,
        replaces=frozenset({"principalId"}),
        getter="get_role_assignment",
    ),
    Resource(
        "managedidentity",
        "UserAssignedIdentity",
        f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{{resourceName}}",
        Autoname.RANDOM,
        replaces=frozenset({"location"}),
        getter="get_user_assigned_identity",
    ),
    Resource(
        "applicationinsights",
        "Component",
        f"{GROUP}/providers/Microsoft.Insights/components/{{resourceName}}",
        Autoname.RANDOM,
        replaces=frozenset({"location"}),
        getter="get_component",
    ),
    Resource(
        "operationalinsights",
        "Workspace",
        f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/{{workspaceName}}",
        Autoname.RANDOM,
        replaces=frozenset({"location"}),
        inside_properties=frozenset({"sku"}),
        getter="get_workspace",
    ),
)

FUNCTIONS: Final = (
    Function("storage", "list_storage_account_keys", f"{ACCOUNT}/listKeys"),
    *(
        Function("web", f"list_web_app_{name}{suffix}", f"{owner}/{segment}")
        for owner, suffix in ((SITE, ""), (SLOT, "_slot"))
        for name, segment in (
            ("application_settings", "config/appsettings/list"),
            ("connection_strings", "config/connectionstrings/list"),
            ("metadata", "config/metadata/list"),
            ("host_keys", "host/default/listkeys"),
        )
    ),
)

QUERIES: Final[Mapping[str, str]] = {"expand": "$expand"}
"""Arguments of functions whose query parameter has another name."""

ENVELOPE: Final = frozenset(
    {
        *("id", "name", "type", "location", "tags", "kind", "sku", "identity", "etag", "managedBy"),
        *("extendedLocation", "systemData", "plan", "zones", "properties"),
    }
)
"""What ARM keeps at the top level of a resource's body; all else is under `properties`, which the SDK flattens."""

RENAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "storage:StorageAccount": {
        "enableHttpsTrafficOnly": "supportsHttpsTrafficOnly",
        "enableNfsV3": "isNfsV3Enabled",
        "networkRuleSet": "networkAcls",
    },
    "storage:Encryption": {"encryptionIdentity": "identity", "keyVaultProperties": "keyvaultproperties"},
    "storage:EncryptionIdentity": {
        "encryptionFederatedIdentityClientId": "federatedIdentityClientId",
        "encryptionUserAssignedIdentity": "userAssignedIdentity",
    },
    "storage:KeyVaultProperties": {
        "keyName": "keyname",
        "keyVaultUri": "keyvaulturi",
        "keyVersion": "keyversion",
    },
    "storage:IPRule": {"iPAddressOrRange": "value"},
    "storage:VirtualNetworkRule": {"virtualNetworkResourceId": "id"},
    "applicationinsights:Component": {
        "appId": "AppId",
        "applicationId": "ApplicationId",
        "applicationType": "Application_Type",
        "connectionString": "ConnectionString",
        "creationDate": "CreationDate",
        "disableIpMasking": "DisableIpMasking",
        "disableLocalAuth": "DisableLocalAuth",
        "flowType": "Flow_Type",
        "forceCustomerStorageForProfiler": "ForceCustomerStorageForProfiler",
        "hockeyAppId": "HockeyAppId",
        "hockeyAppToken": "HockeyAppToken",
        "immediatePurgeDataOn30Days": "ImmediatePurgeDataOn30Days",
        "ingestionMode": "IngestionMode",
        "instrumentationKey": "InstrumentationKey",
        "laMigrationDate": "LaMigrationDate",
        "privateLinkScopedResources": "PrivateLinkScopedResources",
        "requestSource": "Request_Source",
        "retentionInDays": "RetentionInDays",
        "samplingPercentage": "SamplingPercentage",
        "tenantId": "TenantId",
        "workspaceResourceId": "WorkspaceResourceId",
    },
    "applicationinsights:PrivateLinkScopedResource": {"resourceId": "ResourceId", "scopeId": "ScopeId"},
}
"""SDK type -> SDK property -> ARM's name (`x-ms-client-name` in the specification)."""
