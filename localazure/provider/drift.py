"""The inputs that a program would have to give for what Azure has now.

ARM answers more than it was given (defaults, read-only properties), so outputs can't simply be taken for inputs: only
what changed from the old outputs to the new ones is laid on the old inputs. The real provider works so, too
(pulumi-azure-native, provider/pkg/provider/provider.go, Read).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def drifted(inputs: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The old inputs with the differences between two readings, both in the shape of inputs."""
    result = dict(inputs)
    for name in {*before, *now}:
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if new is None:
            result.pop(name, None)
        elif name in inputs and old is not None:
            result[name] = _merged(inputs[name], old, new)
        else:
            result[name] = new
    return result


def _merged(given: Any, old: Any, new: Any) -> Any:
    if isinstance(given, Mapping) and isinstance(old, Mapping) and isinstance(new, Mapping):
        return drifted(given, old, new)
    if isinstance(given, list) and isinstance(old, list) and isinstance(new, list):
        return [
            _merged(given[index], old[index], member) if index < min(len(given), len(old)) else member
            for index, member in enumerate(new)
        ]
    return new


def observed(inputs: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """For a resource whose outputs were never read: of what Azure has now, the properties that the program gives."""
    return {name: _observed(given, now[name]) if name in now else given for name, given in inputs.items()}


def _observed(given: Any, new: Any) -> Any:
    return observed(given, new) if isinstance(given, Mapping) and isinstance(new, Mapping) else new
