"""The pack as the engine meets it: its servicer, with protobuf requests, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel

from policies.pack import NAME, Servicer, rules

MANDATORY = analyzer_pb2.MANDATORY
ADVISORY = analyzer_pb2.ADVISORY


@dataclass
class Registered:
    """A resource as the engine has it: inputs with the wire's own markers for secrets and unknowns."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    made_from: Mapping[str, Iterable[str]] = field(default_factory=dict)
    protect: bool = False
    urn: str = ""

    def __post_init__(self) -> None:
        self.urn = self.urn or f"urn:pulumi:test::project::{self.type}::{self.name}"


@dataclass(frozen=True)
class Said:
    """One diagnostic: the rule, the resource's logical name, whether it is mandatory, and the text."""

    rule: str
    name: str
    mandatory: bool
    message: str


def servicer(stack: str = "test", config: Mapping[str, Any] | None = None, *, dry_run: bool = True) -> Servicer:
    made = Servicer(NAME, "0.0.1", rules(), EnforcementLevel.ADVISORY)
    made.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(stack=stack, dry_run=dry_run), None)
    levels = {policy.name: policy.enforcementLevel for policy in made.GetAnalyzerInfo(None, None).policies}  # type: ignore[no-untyped-call]
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    for rule, level in levels.items():
        given = (config or {}).get(rule)
        if isinstance(given, str):
            level = {"disabled": analyzer_pb2.DISABLED, "advisory": ADVISORY, "mandatory": MANDATORY}[given]
        request.policyConfig[rule].enforcementLevel = level
        if isinstance(given, Mapping):
            request.policyConfig[rule].properties.update(given)
    made.Configure(request, None)
    return made


def judge(resources: Iterable[Registered], config: Mapping[str, Any] | None = None, stack: str = "test") -> list[Said]:
    """What the pack says of a program, as in one operation of the engine."""
    pack = servicer(stack, config)
    found = list(resources)
    names = {resource.urn: resource.name for resource in found}
    stack_request = analyzer_pb2.AnalyzeStackRequest()
    for resource in found:
        answer = pack.Analyze(
            analyzer_pb2.AnalyzeRequest(
                type=resource.type, urn=resource.urn, name=resource.name, properties=struct(resource.inputs)
            ),
            None,
        )
        assert not answer.diagnostics
        told = stack_request.resources.add(
            type=resource.type, urn=resource.urn, name=resource.name, properties=struct(resource.outputs)
        )
        told.options.protect = resource.protect
        for name, urns in resource.made_from.items():
            told.propertyDependencies[name].urns.extend(urns)
    diagnostics = pack.AnalyzeStack(stack_request, None).diagnostics
    return [Said(d.policyName, names[d.urn], d.enforcementLevel == MANDATORY, d.message) for d in diagnostics]


def struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made
