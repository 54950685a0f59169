"""Programs that the pack must not refuse, as the pages' examples are written."""

from __future__ import annotations

FINE = {
    "no slots at all": """
web.WebApp("site", **SITE)
web.WebAppApplicationSettings("production", **APP, properties=PRODUCTION)
""",
    "no Durable and no slots": """
web.WebApp("site", **SITE, site_config={"app_settings": [{"name": "AzureWebJobsStorage", "value": key("ordershost")}]})
""",
    "slots without Durable": """
plain = {"AzureWebJobsStorage": key("ordershost"), "FUNCTIONS_WORKER_RUNTIME": "python", "DATABASE": "blue"}
web.WebApp("site", **SITE)
web.WebAppSlot("slot", **SITE, slot="staging")
web.WebAppApplicationSettings("production", **APP, properties=plain)
web.WebAppApplicationSettingsSlot("staging", **APP, slot="staging", properties=plain | {"DATABASE": "green"})
web.WebAppSlotConfigurationNames("sticky", **APP, app_setting_names=["DATABASE", "AzureWebJobsStorage"])
""",
    "a web site that is no function app, with slots and settings of its own": """
site = APP | {"location": "westeurope", "kind": "app"}
settings = {"app_settings": [{"name": "COLOUR", "value": "blue"}]}
web.WebApp("site", **site, site_config=settings)
web.WebAppSlot("slot", **site, slot="staging", site_config=settings | {"auto_swap_slot_name": "production"})
web.WebAppSlotConfigurationNames("sticky", **APP, app_setting_names=["COLOUR"])
storage.StorageAccount("images", account_name="ordersimages", **STORAGE | {"allow_blob_public_access": True})
""",
    "two sites": """
web.WebAppApplicationSettings("orders", **APP, properties=PRODUCTION)
web.WebAppApplicationSettingsSlot("orders-staging", **APP, slot="staging", properties=STAGING)
billing = {"name": "orders-billing", "resource_group_name": GROUP}
blue, green = (
    {"AzureWebJobsStorage": key("ordersbillhost"), "DurableManagementStorage": key(f"ordersbill{colour}")}
    for colour in ("blue", "green")
)
web.WebAppApplicationSettings("billing", **billing, properties=blue)
web.WebAppApplicationSettingsSlot("billing-staging", **billing, slot="staging", properties=green)
""",
    "three slots": """
plan = web.AppServicePlan("plan", **PLAN, sku={"name": "EP1", "tier": "ElasticPremium"})
web.WebApp("site", **SITE, server_farm_id=plan.id)
web.WebAppApplicationSettings("production", **APP, properties=PRODUCTION | {HUB: "OrdersHub"})
for slot, store in (("staging", "green"), ("canary", "yellow")):
    web.WebAppSlot(slot, **SITE, slot=slot, server_farm_id=plan.id)
    web.WebAppApplicationSettingsSlot(
        f"{slot}-settings",
        **APP,
        slot=slot,
        properties=STAGING | {"DurableManagementStorage": key(f"orders{store}"), HUB: "OrdersHub"},
    )
""",
    "Key Vault references": """
def reference(secret):
    return f"@Microsoft.KeyVault(SecretUri=https://orders.vault.azure.net/secrets/{secret})"


host = {"AzureWebJobsStorage": reference("host")}
web.WebAppApplicationSettings(
    "production", **APP, properties=host | {"DurableManagementStorage": reference("blue")}
)
web.WebAppApplicationSettingsSlot(
    "staging", **APP, slot="staging", properties=host | {"DurableManagementStorage": reference("green")}
)
""",
    "identity and key connections side by side": """
web.WebAppApplicationSettings("production", **APP, properties=PRODUCTION)
mixed = {"AzureWebJobsStorage__accountName": "ordershost", "DurableManagementStorage__accountName": "ordersgreen"}
web.WebAppApplicationSettingsSlot("staging", **APP, slot="staging", properties=mixed)
""",
    "endpoints of other regions": """
def china(account):
    return f"AccountName={account};AccountKey=bm90IGEga2V5;EndpointSuffix=core.chinacloudapi.cn"


def government(account, service):
    return f"https://{account}.{service}.core.usgovcloudapi.net"


web.WebAppApplicationSettings(
    "china",
    **APP,
    properties={"AzureWebJobsStorage": china("ordershost"), "DurableManagementStorage": china("ordersblue")},
)
uris = {
    f"DurableManagementStorage__{service}ServiceUri": government("ordersgreen", service)
    for service in ("blob", "queue", "table")
}
web.WebAppApplicationSettingsSlot(
    "staging", **APP, slot="staging", properties={"AzureWebJobsStorage": china("ordershost")} | uris
)
""",
    "names as outputs, and connections by keys that a first preview doesn't know": """
from pulumi_azure_native import resources

group = resources.ResourceGroup("group", location="westeurope")
where = {"resource_group_name": group.name, "location": "westeurope"}
accounts = {
    name: storage.StorageAccount(
        f"orders{name}", **STORAGE | where, opts=pulumi.ResourceOptions(protect=name != "host")
    )
    for name in ("host", "blue", "green")
}


def connection(name):
    keys = storage.list_storage_account_keys_output(
        account_name=accounts[name].name, resource_group_name=group.name
    )
    return pulumi.Output.secret(
        pulumi.Output.format("AccountName={0};AccountKey={1}", accounts[name].name, keys.keys[0].value)
    )


plan = web.AppServicePlan("plan", **where, sku={"name": "S1", "tier": "Standard"})
app = where | {"kind": "functionapp", "https_only": True, "server_farm_id": plan.id}
site = web.WebApp("site", **app)
slot = web.WebAppSlot("slot", name=site.name, slot="staging", **app)
of_site = {"name": site.name, "resource_group_name": group.name}
common = {"AzureWebJobsStorage": connection("host"), HUB: "OrdersHub"}
production, staging = (common | {"DurableManagementStorage": connection(colour)} for colour in ("blue", "green"))
web.WebAppApplicationSettings("production", **of_site, properties=production)
web.WebAppApplicationSettingsSlot("staging", **of_site, slot="staging", properties=staging)
web.WebAppSlotConfigurationNames("sticky", **of_site, app_setting_names=["COLOUR"])
""",
}
