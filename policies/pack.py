"""The policy pack as Pulumi's policy SDK serves it.

The SDK's own loop would decode all resources of a stack once for each stack policy, which for this many rules takes
over a millisecond a resource, and gives all findings of a policy one level. Here resources are decoded once, only those
that rules look at, and a rule's doubts and warnings stay advisory when the rule is mandatory. All else is the SDK's:
metadata, config and its schemas, levels, the server. Its servicer is a private class; the SDK's version is pinned, and
tests that drive the pack by the engine's own requests would show a change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
    policy,
)

from policies.catalogue import CATALOGUE, Entry
from policies.config import SCHEMAS, Config
from policies.finding import Finding, Weight
from policies.gather import Gathered
from policies.resources import OF_SLOTS

if TYPE_CHECKING:
    from policies.model import Program

NAME = "durable-functions-slots"


class RulePolicy(StackValidationPolicy):
    """A rule of the catalogue. `Servicer` judges by it; the SDK's own servicer can't, it shows outputs only."""

    def __init__(self, entry: Entry) -> None:
        schema = SCHEMAS.get(entry.name)
        super().__init__(
            entry.name,
            entry.description,
            _not_served_here,
            enforcement_level=entry.level,
            config_schema=PolicyConfigSchema(dict(schema)) if schema else None,
            severity=entry.severity,
            tags=["azure", "durable-functions"],
            remediation_steps=entry.remediation,
            url=entry.url,
        )
        self.entry = entry


def _not_served_here(args: StackValidationArgs, report: ReportViolation) -> None:  # noqa: ARG001
    raise RuntimeError("the rules of this pack are judged by policies.pack.Servicer")


class Servicer(policy._PolicyAnalyzerServicer):
    """Answers the engine: gathers inputs resource by resource, and judges all of them at the end."""

    def __init__(self, name: str, version: str, policies: Sequence[RulePolicy], *others: Any) -> None:
        super().__init__(name, version, list(policies), *others)
        self._rules = policies
        self._gathered = Gathered()
        self._dry_run = True
        self._refused: set[Finding] = set()

    def ConfigureStack(  # noqa: N802
        self, request: analyzer_pb2.AnalyzerStackConfigureRequest, _context: Any
    ) -> analyzer_pb2.AnalyzerStackConfigureResponse:
        """Comes before the engine asks for the rules and their levels."""
        self._dry_run = request.dry_run
        for rule in self._rules:
            rule.enforcement_level = rule.entry.level_for(request.stack)
        answer: analyzer_pb2.AnalyzerStackConfigureResponse = super().ConfigureStack(request, _context)
        return answer

    def Configure(self, request: analyzer_pb2.ConfigureAnalyzerRequest, _context: Any) -> empty_pb2.Empty:  # noqa: N802
        """The last call before the program runs, which leaves time to load the rules."""
        Thread(target=import_module, args=("policies.judge",), daemon=True).start()
        answer: empty_pb2.Empty = super().Configure(request, _context)  # type: ignore[no-untyped-call]
        return answer

    def Analyze(self, request: analyzer_pb2.AnalyzeRequest, _context: Any) -> analyzer_pb2.AnalyzeResponse:  # noqa: N802
        """Gathers; in an update, where all values are known, also refuses a slot's settings before they are written."""
        response = analyzer_pb2.AnalyzeResponse()
        resource = self._gathered.add(request)
        if resource is None or self._dry_run or resource.kind not in OF_SLOTS:
            return response
        from policies import build, judge

        program = build.program_of(self._gathered.around(resource))
        program.partial = True
        rules = [rule for rule in self._rules if rule.name in judge.EARLY]

        def wanted(finding: Finding, level: EnforcementLevel) -> bool:
            if finding.weight is not Weight.REFUSAL or level is not EnforcementLevel.MANDATORY:
                return False
            if finding.resource != resource:
                return False
            self._refused.add(finding)
            return True

        self._judge(response, program, rules, wanted)
        return response

    def Remediate(self, request: analyzer_pb2.AnalyzeRequest, _context: Any) -> analyzer_pb2.RemediateResponse:  # noqa: ARG002, N802
        return analyzer_pb2.RemediateResponse()

    def AnalyzeStack(  # noqa: N802
        self, request: analyzer_pb2.AnalyzeStackRequest, _context: Any
    ) -> analyzer_pb2.AnalyzeResponse:
        from policies import build

        response = analyzer_pb2.AnalyzeResponse()
        refused, self._refused = self._refused, set()
        program = build.program_of(*self._gathered.end(request.resources))
        self._judge(response, program, self._rules, lambda finding, _: finding not in refused)
        return response

    def _judge(
        self,
        response: analyzer_pb2.AnalyzeResponse,
        program: Program,
        rules: Sequence[RulePolicy],
        wanted: Callable[[Finding, EnforcementLevel], bool],
    ) -> None:
        """Add to the response what rules have to say; a doubt or a warning of a mandatory rule is advisory."""
        from policies import judge

        config = Config.of(self._get_policy_config)
        for rule in rules:
            level = self._get_enforcement_level(rule)
            if level is EnforcementLevel.DISABLED:
                continue
            if level is EnforcementLevel.REMEDIATE:  # these rules can't, so it counts as mandatory
                level = EnforcementLevel.MANDATORY
            for finding in judge.findings(rule.name, program, config):
                if wanted(finding, level):
                    own = level if finding.weight is Weight.REFUSAL else EnforcementLevel.ADVISORY
                    report = self._create_report_violation(response, rule.name, rule.description, own, rule.severity)
                    report(finding.message, finding.resource.urn)


def rules() -> list[RulePolicy]:
    return [RulePolicy(entry) for entry in CATALOGUE]


def serve() -> None:
    """Serve the engine until it is done."""
    policy._PolicyAnalyzerServicer = Servicer  # type: ignore[misc, assignment]
    PolicyPack(NAME, list(rules()))
