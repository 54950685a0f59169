"""A site's config resources: always there, put as a whole, and read by POST …/list where they hold secrets."""

from __future__ import annotations

from typing import Any, Final

from localazure.arm import api_versions, workers
from localazure.arm.calls import Call, Reply
from localazure.arm.errors import invalid_content, method_not_allowed, not_found
from localazure.arm.events import Phase
from localazure.arm.ids import ResourceId
from localazure.arm.resource_type import Action, ResourceType, require
from localazure.arm.tree import Json
from localazure.arm.web_apps import SITE, SLOT, app_of, config, put_config, refuse_during_swap, site_of

_NAMES: Final = {
    name.lower(): name for name in ("web", "appsettings", "connectionstrings", "metadata", "slotConfigNames")
}
_SECRET: Final = frozenset({"appsettings", "connectionstrings", "metadata"})
_CONNECTION_TYPES: Final = {
    name.lower(): name
    for name in (
        "ApiHub",
        "Custom",
        "DocDb",
        "EventHub",
        "MySql",
        "NotificationHub",
        "PostgreSQL",
        "RedisCache",
        "SQLAzure",
        "SQLServer",
        "ServiceBus",
    )
}
_STICKY_LISTS: Final = ("appSettingNames", "connectionStringNames", "azureStorageConfigNames")
_WEB_DEFAULTS: Final[Json] = {
    "numberOfWorkers": 1,
    "defaultDocuments": ["index.html"],
    "netFrameworkVersion": "v4.0",
    "linuxFxVersion": "",
    "requestTracingEnabled": False,
    "httpLoggingEnabled": False,
    "detailedErrorLoggingEnabled": False,
    "scmType": "None",
    "use32BitWorkerProcess": True,
    "webSocketsEnabled": False,
    "alwaysOn": False,
    "managedPipelineMode": "Integrated",
    "loadBalancing": "LeastRequests",
    "autoHealEnabled": False,
    "vnetName": "",
    "cors": None,
    "localMySqlEnabled": False,
    "http20Enabled": False,
    "minTlsVersion": "1.2",
    "scmMinTlsVersion": "1.2",
    "ftpsState": "FtpsOnly",
    "preWarmedInstanceCount": 0,
    "functionAppScaleLimit": 0,
    "functionsRuntimeScaleMonitoringEnabled": False,
    "minimumElasticInstanceCount": 0,
}
_ELSEWHERE: Final = {"appSettings": None, "connectionStrings": None, "metadata": None}
"""Parts of a site's configuration that config/web accepts and never shows."""


class SiteConfigs(ResourceType):
    """The config resources of a site."""

    type = f"{SITE}/config"
    versions = api_versions.WEB

    def before_change(self, call: Call) -> None:
        refuse_during_swap(call.services.operations, call.id)

    @property
    def actions(self) -> dict[str, Action]:
        return {"list": Action(self._read_secret)}

    def get(self, call: Call) -> Reply:
        name = self._name(call)
        if name in _SECRET:
            raise method_not_allowed("GET", f"config/{name}: POST to …/config/{name}/list")
        return Reply(200, _view(call, self._app(call), name))

    def list(self, call: Call) -> Reply:
        app = require(call, call.id).id
        return Reply(200, {"value": [_view(call, app, "web")]})

    def put(self, call: Call) -> Reply:
        app, name = self._app(call), self._name(call)
        if name == "web":
            put_site_config(call, app, call.properties)
        else:
            put_config(call.tree, app, name, _READERS[name](call.properties))
        if name != "slotConfigNames":
            workers.start(call.services, app, Phase.SETTINGS_CHANGED)
        return Reply(200, _view(call, app, name))

    def patch(self, call: Call) -> Reply:
        if self._name(call) != "web":
            raise method_not_allowed("PATCH", f"config/{call.id.name}")
        return self.put(call)

    def _read_secret(self, call: Call) -> Reply:
        app, name = self._app(call), self._name(call)
        if name not in _SECRET:
            raise method_not_allowed("POST", f"config/{name}/list")
        return Reply(200, _view(call, app, name))

    def _app(self, call: Call) -> ResourceId:
        """The site or slot that the call's config belongs to."""
        return require(call, app_of(call.id)).id

    def _name(self, call: Call) -> str:
        name = _NAMES.get(call.id.name.lower())
        if name is None or (name == "slotConfigNames" and self.type != f"{SITE}/config"):
            raise not_found(f"The config '{call.id.name}' of '{call.id.type}' was not found.", "ResourceNotFound")
        return name


class SlotConfigs(SiteConfigs):
    """The config resources of a slot."""

    type = f"{SLOT}/config"


def put_site_config(call: Call, app: ResourceId, given: Json) -> bool:
    """Take in a siteConfig: its settings go where settings live, the rest to config/web. Returns if it had anything."""
    if isinstance(pairs := given.get("appSettings"), list):
        put_config(call.tree, app, "appsettings", _app_settings(_named(pairs, "value")))
    if isinstance(pairs := given.get("connectionStrings"), list):
        entries = {
            each.get("name"): {"value": each.get("connectionString"), "type": each.get("type") or "Custom"}
            for each in pairs
            if isinstance(each, dict)
        }
        put_config(call.tree, app, "connectionstrings", _connection_strings(entries))
    if isinstance(pairs := given.get("metadata"), list):
        put_config(call.tree, app, "metadata", _app_settings(_named(pairs, "value")))
    general = {name: value for name, value in given.items() if name not in _ELSEWHERE and value is not None}
    if general:
        put_config(call.tree, app, "web", {**config(call.tree, app, "web"), **general})
    return bool(given)


def _view(call: Call, app: ResourceId, name: str) -> Json:
    properties = config(call.tree, app, name)
    if name == "web":
        properties = {**_WEB_DEFAULTS, **properties, **_ELSEWHERE}
    elif name == "slotConfigNames":
        properties = {key: properties.get(key) for key in _STICKY_LISTS}
    where = app.child("config", name)
    location = require(call, site_of(app)).body["location"]
    return {"id": where.text, "name": name, "type": where.type, "location": location, "properties": properties}


def _named(pairs: list[Any], value: str) -> dict[Any, Any]:
    return {each.get("name"): each.get(value) for each in pairs if isinstance(each, dict)}


def _app_settings(given: dict[Any, Any]) -> dict[str, str]:
    """App settings from a body: App Service keeps every value as a text."""
    read: dict[str, str] = {}
    for name, value in given.items():
        if not isinstance(name, str) or not name or isinstance(value, dict | list):
            raise invalid_content(f"the setting '{name}' must be a text under a name")
        read[name] = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
    return read


def _connection_strings(given: dict[Any, Any]) -> Json:
    read: Json = {}
    for name, entry in given.items():
        if not isinstance(name, str) or not isinstance(entry, dict) or not isinstance(entry.get("value"), str):
            raise invalid_content(f"the connection string '{name}' must be an object with value and type")
        kind = str(entry.get("type") or "Custom")
        if kind.lower() not in _CONNECTION_TYPES:
            known = ", ".join(_CONNECTION_TYPES.values())
            raise invalid_content(f"the connection string '{name}' has the type '{kind}', which is none of {known}")
        read[name] = {"value": entry["value"], "type": _CONNECTION_TYPES[kind.lower()]}
    return read


def _slot_config_names(given: Json) -> Json:
    for key in _STICKY_LISTS:
        names = given.get(key)
        if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
            raise invalid_content(f"'{key}' must be a list of names")
    return {key: given.get(key) for key in _STICKY_LISTS}


_READERS: Final = {
    "appsettings": _app_settings,
    "metadata": _app_settings,
    "connectionstrings": _connection_strings,
    "slotConfigNames": _slot_config_names,
}
