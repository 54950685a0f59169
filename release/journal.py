"""What a run of the program tells whoever started it, beside what the engine prints: a file with a record a line.

The engine hands on a hook's error as text only, among texts of its own. So that the command line need not search it,
the program and its provider write the plan, and why they refuse, into the file that RELEASE_JOURNAL names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from durable.connections import redacted
from release.endings import Ending, Problem, ending_of

if TYPE_CHECKING:
    from release.instances import Instance

VARIABLE: Final = "RELEASE_JOURNAL"


@dataclass(frozen=True)
class Stop:
    """Why a run went no further: how it ends, in words, and the instances that are in the way."""

    ending: Ending
    reason: str
    instances: tuple[Instance, ...] = ()


@dataclass(frozen=True)
class Journal:
    """All that a run told: the sentences of its plan, and each stop, in order."""

    plan: tuple[str, ...] = ()
    stops: tuple[Stop, ...] = ()


def write_plan(sentences: Sequence[str], environ: Mapping[str, str] = os.environ) -> None:
    """Tell the plan; nothing where nobody asked for it."""
    _write({"plan": list(sentences)}, environ)


def write_stop(why: Problem, ending: Ending | None = None, environ: Mapping[str, str] = os.environ) -> None:
    """Tell why the run stops, as `ending` if given, else as its kind says; nothing where nobody asked."""
    if VARIABLE not in environ:
        return
    verdict = getattr(why, "verdict", None)
    instances = [] if verdict is None else [_record(instance) for instance in verdict.active]
    _write({"ending": ending or ending_of(why), "reason": redacted(str(why)), "instances": instances}, environ)


@contextmanager
def stops_told() -> Iterator[None]:
    """Tell of an error that ends what is done in this context, and let it go on its way."""
    try:
        yield
    except Exception as error:
        write_stop(error)
        raise


def read(path: Path) -> Journal:
    """What the program has written into a journal; nothing if it never came so far."""
    if not path.exists():
        return Journal()
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    plan = next((tuple(record["plan"]) for record in records if "plan" in record), ())
    return Journal(plan, tuple(_stop(record) for record in records if "ending" in record))


def _write(record: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    if path := environ.get(VARIABLE):
        # One write a record: the program and the provider are two processes.
        with Path(path).open("ab", buffering=0) as file:
            file.write(json.dumps(record).encode() + b"\n")


def _record(instance: Instance) -> dict[str, Any]:
    return {**vars(instance), "created": instance.created and instance.created.isoformat()}


def _stop(record: Mapping[str, Any]) -> Stop:
    from release.instances import Instance

    def instance(found: Mapping[str, Any]) -> Instance:
        created = found["created"]
        return Instance(**{**found, "created": datetime.fromisoformat(created) if created else None})

    return Stop(Ending(record["ending"]), record["reason"], tuple(instance(found) for found in record["instances"]))
