"""The project's own program, in more shapes than the engine's tests take the time for."""

from __future__ import annotations

import json
import runpy
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.components.engine import Declared, run
from tests.policies.served import Registered, Said, judge

REPOSITORY = Path(__file__).resolve().parents[2]
NAMESPACE = "durable-zero-downtime"


def registered(declared: Declared) -> Registered:
    request = declared.options
    made_from = {name: list(made.urns) for name, made in request.propertyDependencies.items()}
    return Registered(declared.type, declared.name, declared.inputs, {}, made_from, request.protect, declared.urn)


class Own:
    """The program with these config keys, under the pack with that config."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.package = folder / "app.zip"
        self._monkeypatch = monkeypatch

    def judged(
        self,
        pack: dict[str, Any] | None = None,
        hub: str = "OrdersHub",
        azure: Mapping[str, str] | None = None,
        **keys: Any,
    ) -> list[Said]:
        provider = {"connectionName": "DurableManagementStorage"}
        if "trackingStore" in keys:
            provider |= {
                "trackingStoreConnectionName": "DurableTrackingStorage",
                "trackingStoreNamePrefix": "DurableTask",
            }
        durable = {"hubName": hub, "storageProvider": provider}
        with zipfile.ZipFile(self.package, "w") as archive:
            archive.writestr("host.json", json.dumps({"version": "2.0", "extensions": {"durableTask": durable}}))
        values = {"site": "orders-dev", "taskHub": "OrdersHub", "package": str(self.package), "access": "keys"} | keys
        config = {f"{NAMESPACE}:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}
        self._monkeypatch.setenv(
            "PULUMI_CONFIG", json.dumps({"azure-native:location": "westeurope", **(azure or {}), **config})
        )
        done = run(lambda: runpy.run_path(str(REPOSITORY / "__main__.py"), run_name="__main__"))
        return judge([registered(declared) for declared in done.resources], pack)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Own:
    return Own(tmp_path, monkeypatch)


SHAPES = pytest.mark.parametrize(
    "keys",
    [
        {},
        {"site": "s" * 40},
        {"plan": {"sku": "Y1"}},
        {"plan": {"sku": "EP1"}},
        {"hub": "%TaskHub%"},
        {"protectStores": False},
        {"trackingStore": {"account": "ordersview"}, "hub": "%TaskHub%"},
        {"settings": {"common": {"A": "b"}, "sticky": {"staging": {"MODE": "quiet"}}}},
    ],
    ids=lambda keys: next(iter(keys), "the least"),
)


@SHAPES
def test_it_passes_in_each_shape_and_with_keys_on_azure_is_advised_to_use_identities(
    own: Own, keys: dict[str, Any]
) -> None:
    found = own.judged(**keys)
    assert [(said.rule, said.mandatory) for said in found] == [("secret-by-reference", False)]


@SHAPES
@pytest.mark.parametrize("cloud", [{}, {"azure-native:environment": "usgovernment"}], ids=["public", "sovereign"])
def test_with_identities_there_is_nothing_to_say(own: Own, keys: dict[str, Any], cloud: dict[str, str]) -> None:
    assert own.judged(access="identity", azure=cloud, **keys) == []


def test_its_starters_are_off_in_staging_as_the_pack_asks(own: Own) -> None:
    told = {"staging-starters-disabled": {"starters": ["start_stocktaking"]}}
    assert [said.rule for said in own.judged(told) if said.mandatory] == ["staging-starters-disabled"]
    assert not [said for said in own.judged(told, starters=["start_stocktaking"]) if said.mandatory]
