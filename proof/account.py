"""The account of a run: what became of each orchestration and each request, as figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from proof.azure import Event
from proof.kinds import Order
from proof.ledger import Ledger
from proof.observer import Findings
from proof.scenario import Outcome
from proof.truth import State, changes, meetings, stays, swaps


@dataclass(frozen=True)
class Orchestrations:
    """How many were started and what became of them; each of these is in exactly one of the others, but for `within`,
    those that others started, which aren't among the started ones, `crossed` and `through`."""

    started: int
    completed: int
    failed: int
    broken: int
    mixed: int
    wrong: int
    lost: int
    twice: int
    stuck: int
    within: int
    crossed: int
    """Those that were active while their hub got another package."""
    through: int
    """Those that were active while the slots were swapped."""
    swaps_of_one: int
    """The most swaps that one of them lived through."""

    @property
    def harmed(self) -> int:
        return self.failed + self.broken + self.mixed + self.wrong + self.lost + self.twice + self.stuck + self.crossed


@dataclass(frozen=True)
class Requests:
    """Requests to production. `elsewhere` are status URLs that led to nothing since a swap had taken the orchestration
    to the other slot, `followed` the events that were raised there."""

    asked: int
    unanswered: int
    elsewhere: int
    followed: int


@dataclass(frozen=True)
class Releases:
    """`acts` counts the scenes by what they were."""

    done: int
    swaps: int
    killed: int
    refused: int
    versions: int
    acts: Mapping[str, int]


@dataclass(frozen=True)
class Hubs:
    """What the event log says of the hubs: `packages` is how many one had after the other, `met` how often two met."""

    hubs: int
    packages: int
    met: int


@dataclass(frozen=True)
class Comparisons:
    """The gate's reading against the client's list. `compared` counts each active orchestration in each comparison."""

    comparisons: int
    compared: int
    between: int
    early: int
    late: int
    disagreements: int


@dataclass(frozen=True)
class Account:
    """All figures of a run, by the seed that it can be run again with."""

    seed: int
    seconds: int
    orchestrations: Orchestrations
    kinds: Mapping[str, int]
    requests: Requests
    releases: Releases
    hubs: Hubs
    gate: Comparisons
    problems: tuple[str, ...] = field(default=())
    """What was wrong, one a line; the first ones of each kind."""

    @property
    def is_good(self) -> bool:
        return not (self.orchestrations.harmed or self.requests.unanswered or self.hubs.met or self.gate.disagreements)

    def to_json(self) -> dict[str, Any]:
        return {"good": self.is_good, **asdict(self)}


_SHOWN = 20


def judge(
    seed: int,
    seconds: float,
    ledger: Ledger,
    states: Sequence[State],
    events: Sequence[Event],
    outcomes: Sequence[Outcome],
    findings: Iterable[Findings],
) -> Account:
    """The account, from what the load has noted and what hubs, log and observer have told."""
    every, found = list(findings), stays(events)
    accepted = {id_: each.order for id_, each in ledger.started.items() if each.urls is not None}
    places: dict[str, list[State]] = {}
    for state in states:
        places.setdefault(state.id, []).append(state)
    verdicts = {id_: verdict(order, places.get(id_, [])) for id_, order in accepted.items()}
    counts = Counter(word for word, _ in verdicts.values())
    mine = [state for state in states if state.id in ledger.started]
    within = [state for state in states if state.id not in ledger.started]
    inner = Counter(_inner(state) for state in within)
    exchanged = swaps(events)
    crossed = [state for state in states if _spans(state, changes(found).get(state.hub, ()))]
    lived = [sum(state.began < at and (state.ended is None or at < state.ended) for at in exchanged) for state in mine]
    disagreements = [each for finding in every for each in finding.disagreements]
    met = meetings(found)
    return Account(
        seed=seed,
        seconds=round(seconds),
        orchestrations=Orchestrations(
            started=len(accepted),
            completed=counts["completed"],
            failed=counts["failed"] + inner["failed"],
            broken=counts["broken"] + inner["broken"],
            mixed=counts["mixed"],
            wrong=counts["wrong"],
            lost=counts["lost"],
            twice=counts["twice"],
            stuck=counts["stuck"] + inner["stuck"],
            within=len(within),
            crossed=len(crossed),
            through=sum(count > 0 for count in lived),
            swaps_of_one=max(lived, default=0),
        ),
        kinds=dict(Counter(str(order.kind) for order in accepted.values()).most_common()),
        requests=Requests(
            asked=ledger.requests.total(),
            unanswered=len(ledger.problems),
            elsewhere=ledger.elsewhere,
            followed=sum(each.moved for each in ledger.started.values()),
        ),
        releases=Releases(
            done=sum(outcome.scene.releases for outcome in outcomes),
            swaps=len(exchanged),
            killed=sum(outcome.killed for outcome in outcomes),
            refused=sum(outcome.refused for outcome in outcomes),
            versions=len({stay.package for stay in found}),
            acts=dict(Counter(str(outcome.scene.act) for outcome in outcomes)),
        ),
        hubs=Hubs(len({stay.hub for stay in found}), len({(s.hub, s.package) for s in found}), len(met)),
        gate=Comparisons(
            comparisons=sum(each.comparisons for each in every),
            compared=sum(each.compared for each in every),
            between=sum(each.between for each in every),
            early=sum(each.early for each in every),
            late=sum(each.late for each in every),
            disagreements=len(disagreements),
        ),
        problems=(
            *[f"{id_}: {word}: {why}" for id_, (word, why) in verdicts.items() if word != "completed"][:_SHOWN],
            *[f"{s.id}: {_inner(s)}: {s.failure}" for s in within if _inner(s) != "completed"][:_SHOWN],
            *[f"{state.id} was active when its hub got another package" for state in crossed][:_SHOWN],
            *[f"{each.when:%T} {each.what}: {each.seen}" for each in ledger.problems[:_SHOWN]],
            *[f"two packages met: {each}" for each in met[:_SHOWN]],
            *[f"{each.when:%T} {each.id}: {each.seen}" for each in disagreements[:_SHOWN]],
        ),
    )


def verdict(order: Order, found: Collection[State]) -> tuple[str, str]:
    """What became of an orchestration, in a word and with the reason, given all hubs' states of it."""
    if not found:
        return "lost", "no hub knows it"
    if len(found) > 1:
        return "twice", f"it is in the hubs {sorted(state.hub for state in found)}"
    (state,) = found
    if state.ended is None:
        return "stuck", f"still {state.status}"
    if state.is_broken:
        return "broken", state.failure
    if state.status != "Completed":
        return "failed", f"{state.status} {state.failure}"
    output = state.output
    versions = {output["startedBy"], output["endedBy"], *(step["version"] for step in output["steps"])}
    if len(versions) > 1:
        return "mixed", f"run by the versions {sorted(versions)}"
    if len(output["steps"]) != order.steps or not order.may_tell(output.get("told")):
        return "wrong", f"it gave {output}"
    return "completed", ""


def _inner(state: State) -> str:
    """The same for one that another orchestration started, whose output is in the other's."""
    if state.ended is None:
        return "stuck"
    if state.is_broken:
        return "broken"
    return "completed" if state.status == "Completed" else "failed"


def _spans(state: State, times: Iterable[datetime]) -> bool:
    return any(state.began < at and (state.ended is None or at < state.ended) for at in times)
