"""What the policy pack costs beside an empty one: to start, and for each of 2,000 resources.

Both packs are started as the engine starts them, in turn, and asked what the engine asks: for each resource Remediate
and Analyze, and AnalyzeStack at the end. Run by `make bench`, or `python -m tests.bench.policy_pack`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from policies import resources as r
from tests.policies.served import struct
from tests.policies.world import Made, World, app

REPOSITORY = Path(__file__).resolve().parents[2]
PAIRS = 7
RESOURCES = 2000
LIMIT = [("grpc.max_send_message_length", 2**28), ("grpc.max_receive_message_length", 2**28)]

EMPTY = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy, StackValidationPolicy

PolicyPack("empty", [
    ResourceValidationPolicy("nothing", "Nothing.", lambda args, report: None, EnforcementLevel.MANDATORY),
    StackValidationPolicy("nothing-at-all", "Nothing.", lambda args, report: None, EnforcementLevel.MANDATORY),
])
"""


@dataclass(frozen=True)
class Cost:
    """Seconds: until the pack says its port and its rules, and for all resources."""

    start: float
    resources: float


@contextmanager
def started(pack: Path) -> Iterator[tuple[analyzer_pb2_grpc.AnalyzerStub, float]]:
    """A pack's process, and how long it took to be ready."""
    begin = time.perf_counter()
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(pack)]
    process = subprocess.Popen(command, cwd=pack, stdout=subprocess.PIPE, env={**os.environ, "PULUMI_CONFIG": "{}"})
    assert process.stdout is not None
    try:
        port = process.stdout.readline().decode().strip()
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=LIMIT) as channel:
            stub = analyzer_pb2_grpc.AnalyzerStub(channel)
            stub.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(stack="bench", project="bench"))
            info = stub.GetAnalyzerInfo(empty_pb2.Empty())
            ready = time.perf_counter() - begin
            request = analyzer_pb2.ConfigureAnalyzerRequest()
            for policy in info.policies:
                request.policyConfig[policy.name].enforcementLevel = policy.enforcementLevel
            stub.Configure(request)
            yield stub, ready
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def measure(pack: Path, made: list[Made]) -> Cost:
    requests = [
        analyzer_pb2.AnalyzeRequest(
            type=f"azure-native:{resource.kind}",
            urn=resource.urn,
            name=resource.name,
            properties=struct(resource.inputs or {}),
        )
        for resource in made
    ]
    stack = analyzer_pb2.AnalyzeStackRequest()
    for request in requests:
        stack.resources.add(
            type=request.type, urn=request.urn, name=request.name, properties=request.properties
        ).options.protect = True
    with started(pack) as (stub, start):
        begin = time.perf_counter()
        for request in requests:
            stub.Remediate(request)
            stub.Analyze(request)
        answer = stub.AnalyzeStack(stack)
        seconds = time.perf_counter() - begin
    refused = [d for d in answer.diagnostics if d.enforcementLevel == analyzer_pb2.MANDATORY]
    assert not refused, refused[0].message
    return Cost(start, seconds)


def apps() -> list[Made]:
    """Good durable apps with three slots each, all of the types that rules look at, and accounts to fill up."""
    world = World()
    while len(world.made) + len(app("one", slots=("staging", "canary")).made) <= RESOURCES:
        number = len(world.made)
        world.made |= app(f"app{number}", f"app{number}-", ("staging", "canary")).made
    for number in range(RESOURCES - len(world.made)):
        world.add(r.ACCOUNT, f"account{number}", accountName=f"account{number}")
    return list(world.made.values())


def main() -> None:
    made = apps()
    with tempfile.TemporaryDirectory() as name:
        empty = Path(name)
        (empty / "PulumiPolicy.yaml").write_text("runtime: python\n")
        (empty / "__main__.py").write_text(EMPTY)
        pairs = [(measure(REPOSITORY / "policies", made), measure(empty, made)) for _ in range(PAIRS + 1)][1:]
    print("pack starts in   empty pack    ratio     ms a resource   empty pack    more")
    for ours, theirs in pairs:
        own, other = (cost.resources / len(made) * 1000 for cost in (ours, theirs))
        print(
            f"{ours.start:12.2f} s  {theirs.start:9.2f} s  {ours.start / theirs.start:7.2f}"
            f"  {own:15.3f}  {other:11.3f}  {own - other:6.3f}"
        )
    start = statistics.median(ours.start / theirs.start for ours, theirs in pairs)
    more = statistics.median((ours.resources - theirs.resources) / len(made) * 1000 for ours, theirs in pairs)
    print(f"median: starts in {start:.2f} times an empty pack's time (aim: 1.2 or less); ", end="")
    print(f"{more:.3f} ms more for each of {len(made)} resources (aim: less than 1)")


if __name__ == "__main__":
    main()
