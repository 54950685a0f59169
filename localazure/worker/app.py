"""A function app of the Python v2 programming model: loaded, with its functions by kind."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import CodeType, ModuleType
from typing import Any, Final

from azure.functions import FunctionRegister

from localazure.worker.errors import AppError
from localazure.worker.start import Start

_MODULE: Final = "function_app"
_ROUTE_PREFIX: Final = "api"
_CLIENT: Final = "durableClient"
_AT_ONCE_PER_CORE: Final = 10
"""The Durable extension's default for both."""
_NAMES_AT_WORK: Final = ("orchestration", "activity", "entityName")
_NOT_RUN: Final = {"call_http": "durable HTTP calls", "histories": "reading the history"}
"""What an orchestrator's context has in Azure and not here, by the name that code calls it by."""


class Kind(StrEnum):
    """What starts a function, by the type of its trigger."""

    HTTP = "httpTrigger"
    TIMER = "timerTrigger"
    ORCHESTRATOR = "orchestrationTrigger"
    ACTIVITY = "activityTrigger"
    ENTITY = "entityTrigger"


@dataclass(frozen=True)
class Function:
    """One function: `trigger` is its trigger's binding as function.json would have it, `clients` names the parameters
    that get a Durable client, `input_type` is what an orchestrator says of its input."""

    name: str
    kind: Kind
    trigger: Mapping[str, Any]
    clients: tuple[str, ...]
    call: Callable[..., Any]
    disabled: bool
    input_type: type | None = None

    @property
    def parameter(self) -> str:
        """The parameter that what starts the function is given in."""
        return str(self.trigger["name"])

    @property
    def name_at_work(self) -> str:
        """What an orchestrator, an activity or an entity is called by: its trigger may name it otherwise."""
        return str(next((self.trigger[key] for key in _NAMES_AT_WORK if self.trigger.get(key)), self.name))

    @cached_property
    def takes_context(self) -> bool:
        """Whether it wants the context of its invocation, too."""
        return "context" in inspect.signature(self.call).parameters and self.parameter != "context"

    @property
    def told(self) -> dict[str, Any]:
        """As local Azure shows it."""
        shown = {"route", "methods", "authLevel", "schedule"}
        details = {name: value for name, value in self.trigger.items() if name in shown and value is not None}
        return {"name": self.name_at_work, "kind": self.kind.value, "disabled": self.disabled, **details}


@dataclass(frozen=True)
class App:
    """The functions of an app, and the settings in host.json that the worker itself needs."""

    functions: tuple[Function, ...]
    host_json: Mapping[str, Any] = field(default_factory=dict)

    def of(self, kind: Kind) -> Iterator[Function]:
        """Those of a kind that aren't disabled."""
        return (function for function in self.functions if function.kind is kind and not function.disabled)

    @property
    def route_prefix(self) -> str:
        http = self.host_json.get("extensions", {}).get("http", {})
        return str(http.get("routePrefix", _ROUTE_PREFIX)).strip("/")

    def at_once(self, kind: str) -> int:
        """How many `Activity` or `Orchestrator` functions run at the same time."""
        durable = self.host_json.get("extensions", {}).get("durableTask", {})
        number = durable.get(f"maxConcurrent{kind}Functions")
        return number if isinstance(number, int) and number > 0 else _AT_ONCE_PER_CORE * (os.cpu_count() or 1)


def load(start: Start) -> App:
    """Import the app and index its functions. Raises AppError."""
    register = _register(_import())
    try:
        found = register.get_functions()
    except Exception as error:
        raise AppError(f"the functions can't be indexed: {type(error).__name__}: {error}") from error
    functions = tuple(_function(each, start) for each in found)
    host_json = json.loads((start.folder / "host.json").read_text("utf-8-sig"))
    return App(functions, host_json)


def _import() -> ModuleType:
    try:
        return importlib.import_module(_MODULE)
    except Exception as error:
        raise AppError(f"{_MODULE}.py can't be imported: {type(error).__name__}: {error}") from error


def _register(module: ModuleType) -> Any:
    found = [value for value in vars(module).values() if isinstance(value, FunctionRegister)]
    if len(found) != 1:
        raise AppError(f"{_MODULE}.py must have one FunctionApp or DFApp; it has {len(found)}")
    return found[0]


def _function(found: Any, start: Start) -> Function:
    name = found.get_function_name()
    bindings = json.loads(found.get_function_json())["bindings"]
    trigger = next(binding for binding in bindings if str(binding["type"]).lower().endswith("trigger"))
    try:
        kind = Kind(trigger["type"])
    except ValueError:
        raise AppError(f"function {name} has a {trigger['type']}, which local Azure doesn't run") from None
    clients = []
    for binding in bindings:
        if binding["type"] == _CLIENT:
            _check_client(name, binding, start)
            clients.append(str(binding["name"]))
        elif binding["name"] not in {trigger["name"], "$return"}:
            raise AppError(f"function {name} has a binding {binding['type']}, which local Azure doesn't run")
    if found.get_setting("retry_policy") is not None:
        raise AppError(f"function {name} has a retry policy, which local Azure doesn't run")
    call = found.get_user_function()
    input_type = getattr(call, "_df_input_type", None)
    if kind is Kind.ORCHESTRATOR:
        call = call.orchestrator_function
        for used in sorted(_names(call.__code__) & _NOT_RUN.keys()):
            raise AppError(f"function {name} uses {used}: local Azure doesn't run {_NOT_RUN[used]}")
    elif kind is Kind.ENTITY:
        call = call.entity_function
    elif kind is Kind.TIMER:
        trigger = {**trigger, "schedule": _resolved(name, str(trigger["schedule"]))}
    return Function(name, kind, trigger, tuple(clients), call, _disabled(name, start.settings), input_type)


def _check_client(function: str, binding: Mapping[str, Any], start: Start) -> None:
    """A client is of the app's own hub: one of another hub would start orchestrations in the wrong one."""
    for key, own in (("taskHub", start.hub), ("connectionName", start.connection)):
        asked = binding.get(key)
        if asked and own and _resolved(function, str(asked)).lower() != own.lower():
            raise AppError(
                f"function {function} has a Durable client with {key} {asked}, not {own}: "
                "local Azure gives an app the clients of its own task hub"
            )


def _names(code: CodeType) -> set[str]:
    """The names that code uses, that of functions within it included."""
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return {*code.co_names, *(name for each in inner for name in _names(each))}


def _disabled(function: str, settings: Mapping[str, str]) -> bool:
    """By the two forms of the setting that the host reads (azure_facts.md 4.5)."""
    names = {f"azurewebjobs.{function}.disabled".lower(), f"azurewebjobs_{function}_disabled".lower()}
    return any(name.lower() in names and value.lower() in {"true", "1"} for name, value in settings.items())


def _resolved(function: str, text: str) -> str:
    """A text with `%Setting%` in it, from the app settings."""

    def value(match: re.Match[str]) -> str:
        try:
            return os.environ[match[1]]
        except KeyError:
            raise AppError(f"function {function} names the app setting {match[1]}, which isn't set") from None

    return re.sub("%([^%]+)%", value, text)
