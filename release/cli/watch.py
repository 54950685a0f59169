"""What the engine tells of a run, as sentences for a person."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from pulumi.automation import EngineEvent, StepEventMetadata

from durable.connections import redacted

_COLOUR: Final = re.compile(r"<\{%[^%]*%\}>")
_DONE: Final[Mapping[str, str]] = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "replace": "replaced",
}


class Watch:
    """Hands on what the engine tells, and keeps its errors and what policies don't allow."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self.errors: list[str] = []
        self.violations: list[str] = []

    def __call__(self, event: EngineEvent) -> None:
        if (diagnostic := event.diagnostic_event) is not None:
            text = _plain(diagnostic.message)
            if diagnostic.severity == "error":
                self.errors.append(text)
            elif diagnostic.severity != "debug" and text:
                self._tell(text)
        elif (policy := event.policy_event) is not None:
            text = f"{policy.policy_name}: {_plain(policy.message)}"
            if policy.enforcement_level == "mandatory":
                self.violations.append(text)
            self._tell(text)
        elif (outputs := event.res_outputs_event) is not None:
            self._tell_of_step(outputs.metadata)

    def _tell_of_step(self, step: StepEventMetadata) -> None:
        """What was changed in Azure: components and providers are not there."""
        state = step.new or step.old
        if step.op in _DONE and state is not None and state.custom and not step.type.startswith("pulumi:"):
            self._tell(f"{_DONE[step.op]} {step.urn.rpartition('::')[2]}")


def _plain(text: str) -> str:
    return redacted(_COLOUR.sub("", text)).strip()
