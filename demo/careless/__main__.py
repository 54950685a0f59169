"""Somebody else's program: the durable connection stays in its slot, so new code gets to old orchestrations."""

from pulumi_azure_native import web

APP = {"name": "orders", "resource_group_name": "orders-rg"}


def connection(account: str) -> str:
    return f"AccountName={account};AccountKey=bm90IGEga2V5;EndpointSuffix=core.windows.net"


for slot, store in (("production", "ordersblue"), ("staging", "ordersgreen")):
    settings = {"AzureWebJobsStorage": connection("ordershost"), "DurableManagementStorage": connection(store)}
    if slot == "production":
        web.WebAppApplicationSettings(slot, **APP, properties=settings)
    else:
        web.WebAppApplicationSettingsSlot(slot, **APP, slot=slot, properties=settings)

web.WebAppSlotConfigurationNames("sticky", **APP, app_setting_names=["DurableManagementStorage"])
