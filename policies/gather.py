"""Keeps what resource policies see until the stack policies' turn.

Resource policies see a resource's inputs, which name its site, slot and group; stack policies see outputs, which name
none of them, but come with the dependencies of each property (pulumi_engine.md 6). The program is made of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

from pulumi.runtime.proto import analyzer_pb2

from policies.resources import BLOB, JUDGED, Resource, kind_of
from policies.values import decode


class Gathered:
    """The inputs of one operation's resources, by URN. The engine asks for several resources at once."""

    def __init__(self) -> None:
        self._inputs: dict[str, Mapping[str, Any]] = {}
        self._of_site: dict[str, dict[str, Resource]] = {}
        self._lock = Lock()

    def add(self, request: analyzer_pb2.AnalyzeRequest) -> Resource | None:
        """Keep a resource's inputs; gives it back if rules look at its type."""
        kind = kind_of(request.type)
        if kind not in JUDGED:
            return None
        resource = Resource(kind, request.urn, request.name, decode(request.properties))
        with self._lock:
            self._inputs[request.urn] = resource.inputs or {}
            self._of_site.setdefault(_site(resource), {})[resource.urn] = resource
        return resource

    def around(self, resource: Resource) -> list[Resource]:
        """What has been seen so far of the site that a resource belongs to, and of what belongs to no site."""
        with self._lock:
            return [*self._of_site.get(_site(resource), {}).values(), *self._of_site.get("", {}).values()]

    def end(self, resources: Iterable[analyzer_pb2.AnalyzerResource]) -> tuple[list[Resource], dict[str, str]]:
        """The resources that rules look at, and the types of all by URN; the next operation starts afresh."""
        with self._lock:
            inputs, self._inputs, self._of_site = self._inputs, {}, {}
        kinds: dict[str, str] = {}
        judged: list[Resource] = []
        # The engine's own order differs from run to run, and what is said is to be the same each time.
        for resource in sorted(resources, key=lambda resource: resource.urn):
            kind = kinds[resource.urn] = kind_of(resource.type)
            if kind in JUDGED:
                judged.append(
                    Resource(
                        kind,
                        resource.urn,
                        resource.name,
                        inputs.get(resource.urn),
                        decode(resource.properties),
                        {name: frozenset(made.urns) for name, made in resource.propertyDependencies.items()},
                        resource.options.protect,
                    )
                )
        return judged, kinds


def _site(resource: Resource) -> str:
    """The name of the site that a resource is or belongs to, if it is known; packages belong to none."""
    if not resource.kind.startswith("web:"):
        return "" if resource.kind == BLOB else resource.kind
    return (resource.text("name") or resource.urn).lower()
