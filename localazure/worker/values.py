"""Values of orchestrations as azure-functions-durable writes them, custom objects included."""

from __future__ import annotations

from typing import Any

from azure.durable_functions.models.utils.df_serialization import df_dumps, df_loads
from durabletask.serialization import DataConverter


class Raw(str):
    """A value that is still JSON: an orchestrator's input, which `get_input` reads as the type that is asked for."""


class Converter(DataConverter):
    def serialize(self, value: Any) -> str | None:
        return None if value is None else df_dumps(value)

    def deserialize(self, data: str | None, target_type: type | None = None) -> Any:
        if not data:
            return None
        return Raw(data) if target_type is Raw else df_loads(data, expected_type=target_type)

    def coerce(self, value: Any, target_type: type | None = None) -> Any:
        return value if target_type is None else df_loads(df_dumps(value), expected_type=target_type)

    def can_reconstruct(self, target_type: Any) -> bool:
        return target_type is Raw
