from __future__ import annotations

from typing import Any

import pytest

from localazure.provider.drift import drifted, observed


@pytest.mark.parametrize(
    ("inputs", "before", "now", "expected"),
    [
        pytest.param({"a": 1}, {"a": 1, "d": 9}, {"a": 1, "d": 9}, {"a": 1}, id="defaults are not taken for inputs"),
        pytest.param({"a": 1}, {"a": 1}, {"a": 2}, {"a": 2}, id="changed"),
        pytest.param({"a": 1, "b": 2}, {"a": 1, "b": 2}, {"a": 1}, {"a": 1}, id="removed"),
        pytest.param({"a": 1}, {"a": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 2}, id="added"),
        pytest.param({"a": 1}, {"a": 1, "d": 9}, {"a": 1, "d": 8}, {"a": 1, "d": 8}, id="a default changed"),
        pytest.param({"m": {"x": 1}}, {"m": {"x": 1}}, {"m": {"x": 1, "y": 2}}, {"m": {"x": 1, "y": 2}}, id="nested"),
        pytest.param({"m": {"x": 1}}, {"m": {"x": 1, "d": 0}}, {"m": {"x": 2, "d": 0}}, {"m": {"x": 2}}, id="deep"),
        pytest.param({"l": [1]}, {"l": [1]}, {"l": [1, 2]}, {"l": [1, 2]}, id="a member more"),
        pytest.param({"l": [1, 2]}, {"l": [1, 2]}, {"l": [1]}, {"l": [1]}, id="a member less"),
        pytest.param(
            {"l": [{"x": 1}]}, {"l": [{"x": 1, "d": 0}]}, {"l": [{"x": 2, "d": 0}]}, {"l": [{"x": 2}]}, id="in a list"
        ),
        pytest.param({"secret": "s"}, {}, {}, {"secret": "s"}, id="what azure never tells stays"),
        pytest.param(
            {"l": "West Europe"}, {"l": "westeurope"}, {"l": "westeurope"}, {"l": "West Europe"}, id="spelling"
        ),
    ],
)
def test_only_what_changed_in_azure_changes_the_inputs(
    inputs: dict[str, Any], before: dict[str, Any], now: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert drifted(inputs, before, now) == expected


def test_a_resource_never_read_before_shows_what_azure_has_for_the_programs_properties() -> None:
    inputs = {"a": 1, "m": {"x": 1}, "secret": "s"}
    assert observed(inputs, {"a": 2, "m": {"x": 3, "d": 0}, "d": 9}) == {"a": 2, "m": {"x": 3}, "secret": "s"}
