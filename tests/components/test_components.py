"""Each component by itself: its children, their names and settings, and what it gives to others."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest
from pulumi_azure_native import resources

from components.durable_store import DurableStore, DurableStoreArgs
from components.function_app import FunctionApp, FunctionAppArgs
from components.group import Group
from components.host_storage import HostStorage, HostStorageArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.package_blob import PackageBlob, PackageBlobArgs
from components.storage_access import Grant, Principal, StorageAccess, StorageAccessArgs
from components.storage_account import IdentityClient
from components.tracking_store import TrackingStore, TrackingStoreArgs
from durable.roles import HOST_ROLES, StorageRole
from durable.stores import Access, Colour, Store
from tests.components.engine import SUBSCRIPTION, Run, run

SHA = "0123456789abcdef" * 4


def group() -> Group:
    made = resources.ResourceGroup("group", resource_group_name="orders-rg", location="westeurope")
    return Group("orders-rg", "westeurope", made, {"team": "orders"})


def host_storage() -> HostStorage:
    return HostStorage("host", HostStorageArgs(group(), "ordershost"))


def function_app(sku: str = "S1") -> Run:
    def program() -> None:
        host = host_storage()
        args = FunctionAppArgs(
            group=group(),
            site_name="orders",
            staging_slot="next",
            plan_name="orders-plan",
            sku=sku,
            linux_fx_version="PYTHON|3.11",
            packages=host.container,
        )
        FunctionApp("app", args)

    return run(program)


def test_host_storage_is_an_account_without_public_access_and_a_private_container_for_packages() -> None:
    done = run(host_storage)
    assert done.children("host") == [
        ("azure-native:storage:StorageAccount", "host"),
        ("azure-native:storage:BlobContainer", "packages"),
    ]
    account = done.one("storage:StorageAccount").inputs
    assert account == {
        "accountName": "ordershost",
        "resourceGroupName": "orders-rg",
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        "allowBlobPublicAccess": False,
        "enableHttpsTrafficOnly": True,
        "minimumTlsVersion": "TLS1_2",
        "tags": {"team": "orders"},
    }
    container = done.one("storage:BlobContainer")
    assert container.inputs["accountName"] == "ordershost"
    assert container.inputs["containerName"] == "packages"
    assert container.inputs["publicAccess"] == "None"
    assert "group" in done.one("storage:StorageAccount").after
    assert done.component_outputs["host"] == {
        "accountName": "ordershost",
        "packagesUrl": "https://ordershost.blob.core.windows.net/packages",
    }


@pytest.mark.parametrize("protect", [True, False])
def test_a_store_is_an_account_that_can_be_protected(protect: bool) -> None:
    store = Store(Colour.GREEN, "ordersgreen", "OrdersHub")
    done = run(lambda: DurableStore("green", DurableStoreArgs(group(), store, protect, takes_keys=True)))
    account = done.one("storage:StorageAccount")
    assert account.parent.endswith("durable-zero-downtime:index:DurableStore::green")
    assert account.inputs["accountName"] == "ordersgreen"
    assert account.options.protect is protect
    assert (account.inputs.get("tags", {}).get("durable-store") == "disposable") is not protect
    assert done.component_outputs["green"] == {"colour": "green", "accountName": "ordersgreen", "taskHub": "OrdersHub"}


def test_the_connection_of_an_account_is_a_secret_with_explicit_endpoints() -> None:
    seen: list[object] = []

    def program() -> None:
        connection = host_storage().account.connection_string
        pulumi.Output.all(connection.is_secret(), connection).apply(seen.append)

    run(program)
    assert seen == [
        [
            True,
            "DefaultEndpointsProtocol=https;AccountName=ordershost;AccountKey=a2V5IG9mIGFuIGFjY291bnQ=;"
            "BlobEndpoint=https://ordershost.blob.core.windows.net/;"
            "QueueEndpoint=https://ordershost.queue.core.windows.net/;"
            "TableEndpoint=https://ordershost.table.core.windows.net/",
        ]
    ]


@pytest.mark.parametrize("takes_keys", [True, False])
def test_a_store_takes_keys_or_not_as_it_is_told_and_the_hosts_account_as_azure_has_it(takes_keys: bool) -> None:
    def program() -> None:
        host_storage()
        store = Store(Colour.BLUE, "ordersblue", "OrdersHub")
        DurableStore("blue", DurableStoreArgs(group(), store, protect=True, takes_keys=takes_keys))

    done = run(program)
    assert done.one("storage:StorageAccount", "blue").inputs["allowSharedKeyAccess"] is takes_keys
    assert "allowSharedKeyAccess" not in done.one("storage:StorageAccount", "host").inputs


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize(
    ("by_name", "account"),
    [
        (True, {"__accountName": "ordershost"}),
        (
            False,
            {
                f"__{service}ServiceUri": f"https://ordershost.{service}.core.windows.net/"
                for service in ("blob", "queue", "table")
            },
        ),
    ],
)
def test_a_connection_by_identity_asks_for_no_key_and_has_names_that_a_preview_knows(
    by_name: bool, account: dict[str, str], preview: bool
) -> None:
    names: list[str] = []
    seen: list[dict[str, str]] = []

    def program() -> None:
        connection = host_storage().account.connection(Access.IDENTITY, IdentityClient("a-client", by_name))
        names.extend(connection)
        pulumi.Output.all(**connection).apply(seen.append)

    done = run(program, preview=preview)
    whole = account | {"__credential": "managedidentity", "__clientId": "a-client"}
    assert names == list(whole)
    assert seen == [whole]
    assert done.invokes == []


def test_the_key_of_an_account_is_asked_for_once_however_often_it_is_used() -> None:
    def program() -> None:
        account = host_storage().account
        for _ in range(3):
            account.connection(Access.KEYS, IdentityClient("a-client", by_name=True))

    assert run(program).invokes == ["azure-native:storage:listStorageAccountKeys"]


def access(*principals: Principal, site: str = "orders") -> Run:
    def program() -> None:
        account = host_storage().account
        grants = [Grant(principal, HOST_ROLES, account.name, account.resource.id) for principal in principals]
        StorageAccess("access", StorageAccessArgs(site, grants))

    return run(program)


def test_access_is_a_role_assignment_for_each_role_by_the_id_that_arm_answers_with() -> None:
    done = access(Principal("app", "a-principal"))
    roles = {role.name.lower().replace("_", "-"): role for role in HOST_ROLES}
    assert sorted(done.children("access")) == sorted(
        ("azure-native:authorization:RoleAssignment", f"app-{name}-ordershost") for name in roles
    )
    for name, role in roles.items():
        made = done.one("authorization:RoleAssignment", f"app-{name}-ordershost").inputs
        assert made["scope"].endswith("/azure-native:storage:StorageAccount/host")
        assert made["principalId"] == "a-principal"
        assert made["principalType"] == "ServicePrincipal"
        assert made["roleDefinitionId"].startswith(f"{SUBSCRIPTION}/providers/Microsoft.Authorization/")
        assert made["roleDefinitionId"].endswith(f"/{role}")


def test_the_names_of_role_assignments_stay_the_same_and_are_nobody_elses() -> None:
    def names(done: Run) -> set[str]:
        made = [r for r in done.resources if r.type.endswith(":RoleAssignment")]
        return {r.inputs["roleAssignmentName"] for r in made}

    one = names(access(Principal("app", "a-principal")))
    assert one == names(access(Principal("app", "made-anew")))
    both = names(access(Principal("app", "a-principal"), Principal("a-reader", "a-reader")))
    assert len(both) == 2 * len(HOST_ROLES)
    assert one < both
    assert not one & names(access(Principal("app", "a-principal"), site="billing"))


def test_a_package_is_a_blob_named_by_its_hash() -> None:
    done = run(lambda: PackageBlob(PackageBlobArgs(group(), host_storage(), SHA, Path("app.zip"))))
    blob = done.one("storage:Blob")
    name = f"package-{SHA[:12]}"
    assert blob.name == name
    assert blob.parent.endswith(f"durable-zero-downtime:index:PackageBlob::{name}")
    assert blob.inputs["blobName"] == f"{SHA}.zip"
    assert blob.inputs["containerName"] == "packages"
    assert blob.inputs["source"]["path"] == "app.zip"
    # A retained blob would be in the way when its package is wanted again.
    assert not blob.options.retainOnDelete
    assert not blob.options.ignoreChanges
    assert "packages" in blob.after
    url = f"https://ordershost.blob.core.windows.net/packages/{SHA}.zip"
    assert done.component_outputs[name] == {"sha256": SHA, "url": url}


def test_a_package_that_is_only_kept_keeps_its_content_and_is_never_made_empty() -> None:
    done = run(lambda: PackageBlob(PackageBlobArgs(group(), host_storage(), SHA)))
    blob = done.one("storage:Blob")
    assert list(blob.options.ignoreChanges) == ["source"]
    assert "source" not in blob.inputs
    assert "packages" in blob.after
    hook = done.hooks[f"keep-package-{SHA[:12]}"]
    assert list(blob.options.hooks.before_create) == [hook.name]
    assert hook.opts is not None
    assert hook.opts.on_dry_run
    with pytest.raises(RuntimeError, match=f"Upload the package's zip again under packages/{SHA}.zip"):
        hook(pulumi.ResourceHookArgs("urn", "", "name", "type"))


def test_another_package_is_another_resource_so_that_it_is_there_before_the_old_one_goes() -> None:
    def program() -> None:
        host = host_storage()
        for sha in (SHA, SHA[::-1]):
            PackageBlob(PackageBlobArgs(group(), host, sha, Path("app.zip")))

    names = {resource.name for resource in run(program).resources if resource.type == "azure-native:storage:Blob"}
    assert names == {f"package-{SHA[:12]}", f"package-{SHA[::-1][:12]}"}


def test_monitoring_is_a_component_that_writes_into_its_workspace() -> None:
    done = run(lambda: Monitoring("monitoring", MonitoringArgs(group(), "orders")))
    component, workspace = done.one("applicationinsights:Component"), done.one("operationalinsights:Workspace")
    assert component.inputs["resourceName"] == "orders-insights"
    assert component.inputs["workspaceResourceId"].endswith("/monitoring-logs")
    assert workspace.inputs["workspaceName"] == "orders-logs"
    assert component.parent == workspace.parent
    assert component.parent.endswith("durable-zero-downtime:index:Monitoring::monitoring")


def test_a_function_app_has_a_plan_an_identity_a_site_and_a_staging_slot() -> None:
    done = function_app()
    assert sorted(done.children("app")) == [
        ("azure-native:authorization:RoleAssignment", "app-reads-packages"),
        ("azure-native:managedidentity:UserAssignedIdentity", "app-identity"),
        ("azure-native:web:AppServicePlan", "app-plan"),
        ("azure-native:web:WebApp", "app"),
        ("azure-native:web:WebAppSlot", "app-staging"),
    ]
    plan = done.one("web:AppServicePlan").inputs
    assert (plan["name"], plan["sku"], plan["reserved"]) == ("orders-plan", {"name": "S1", "tier": "Standard"}, True)
    assert done.one("web:WebApp").inputs["name"] == "orders"
    slot = done.one("web:WebAppSlot")
    assert (slot.inputs["name"], slot.inputs["slot"]) == ("orders", "next")
    assert "app" in slot.after
    assert done.component_outputs["app"] == {
        "productionHostname": "orders.azurewebsites.net",
        "stagingHostname": "orders-next.azurewebsites.net",
    }


@pytest.mark.parametrize("type_", ["web:WebApp", "web:WebAppSlot"])
def test_site_and_slot_are_locked_down_and_have_no_app_settings_of_their_own(type_: str) -> None:
    site = function_app().one(type_).inputs
    assert site["httpsOnly"] is True
    assert site["kind"] == "functionapp,linux"
    assert site["identity"]["type"] == "UserAssigned"
    assert site["identity"]["userAssignedIdentities"][0].endswith("/app-identity")
    assert site["siteConfig"]["ftpsState"] == "Disabled"
    assert site["siteConfig"]["minTlsVersion"] == "1.2"
    assert site["siteConfig"]["linuxFxVersion"] == "PYTHON|3.11"
    assert "appSettings" not in site["siteConfig"]
    assert "connectionStrings" not in site["siteConfig"]


@pytest.mark.parametrize(("sku", "kind"), [("S1", "linux"), ("EP1", "elastic"), ("Y1", "linux")])
def test_a_plan_has_the_kind_of_its_family_and_is_for_linux(sku: str, kind: str) -> None:
    plan = function_app(sku).one("web:AppServicePlan").inputs
    assert plan["kind"] == kind
    assert plan["reserved"] is True


@pytest.mark.parametrize(("sku", "always_on"), [("S1", True), ("EP1", False), ("Y1", False)])
def test_a_plan_whose_apps_fall_asleep_has_them_kept_on(sku: str, always_on: bool) -> None:
    done = function_app(sku)
    for type_ in ("web:WebApp", "web:WebAppSlot"):
        assert done.one(type_).inputs["siteConfig"]["alwaysOn"] is always_on


def test_the_identity_may_read_the_packages_and_nothing_else() -> None:
    assignment = function_app().one("authorization:RoleAssignment").inputs
    assert assignment["scope"].endswith("/packages")
    assert assignment["principalId"] == "a-principal"
    assert assignment["principalType"] == "ServicePrincipal"
    assert assignment["roleDefinitionId"] == (
        f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{StorageRole.BLOB_DATA_READER}"
    )


HUBS = frozenset({"OrdersHubGreen", "OrdersHubBlue"})


def tracking_store(owner: str | None, *, protect: bool = True) -> Run:
    seen: list[object] = []

    def program() -> None:
        made = TrackingStore("tracking", TrackingStoreArgs(group(), "view", owner, protect, HUBS, "orders-rg/orders"))
        connection = made.account.connection_string
        pulumi.Output.all(connection.is_secret(), connection).apply(seen.extend)

    done = run(program, claims={})
    secret, connection = seen
    assert secret is True
    assert str(connection).startswith("DefaultEndpointsProtocol=https;AccountName=view;AccountKey=")
    assert "TableEndpoint=https://view.table.core.windows.net/" in str(connection)
    return done


@pytest.mark.parametrize("protect", [True, False])
def test_a_tracking_store_of_this_stack_is_an_account_kept_as_a_store_is(protect: bool) -> None:
    done = tracking_store(None, protect=protect)
    account = done.one("storage:StorageAccount")
    assert account.inputs["accountName"] == "view"
    assert account.options.protect is protect
    assert (account.inputs["tags"].get("durable-store") == "disposable") is not protect
    for claim in ("ordershubblue-claim", "ordershubgreen-claim"):
        assert "tracking" in done.one("storage:BlobContainer", claim).after
    assert done.component_outputs["tracking"] == {"accountName": "view", "taskHubs": sorted(HUBS)}


def test_a_tracking_store_of_another_stack_is_only_referred_to() -> None:
    done = tracking_store("shared-rg")
    assert sorted(done.children("tracking")) == [
        ("azure-native:storage:BlobContainer", "ordershubblue-claim"),
        ("azure-native:storage:BlobContainer", "ordershubgreen-claim"),
    ]
    claim = done.one("storage:BlobContainer", "ordershubblue-claim").inputs
    assert claim == {
        "accountName": "view",
        "containerName": "ordershubblue-claim",
        "resourceGroupName": "shared-rg",
        "publicAccess": "None",
        "metadata": {"app": "orders-rg/orders"},
    }
