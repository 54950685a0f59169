"""The picture of a run: orchestrations, slots and stores over time, from the event log and the hubs' own times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

from durable.app_settings import PACKAGE, packaged
from durable.connections import DEFAULT_CONNECTION, table_access
from durable.stores import Colour, Slot
from proof.azure import Event
from proof.run import Run
from proof.scenario import Act, Outcome
from proof.truth import State, moment, stays, swaps

_WIDTH: Final = 1200
_LEFT: Final = 96
_RIGHT: Final = 16
_CURVE_TOP: Final = 58
_CURVE: Final = 130
_LANE: Final = 26
_GAP: Final = 8
_STEPS: Final = 360
_WIDE_ENOUGH: Final = 15
"""A bar with so many pixels has room for its version."""

_MARKS: Final[Mapping[Act, str]] = {
    Act.ROLLBACK: "R",
    Act.OVERTAKEN: "D",
    Act.CRASH_GATE: "K",
    Act.CRASH_STAGED: "K",
    Act.CRASH_DRAIN: "K",
    Act.CRASH_SWAP: "K",
    Act.CRASH_SWAPPED: "K",
    Act.WORKER: "W",
    Act.OUTSIDE: "S",
    Act.OUTSIDE_IN_DRAIN: "S",
}
_LEGEND: Final = (
    "K release killed with kill -9, and run again · R roll back · D release during another one's wait · "
    "S swap by somebody else · W staging's worker killed"
)
_STYLE: Final = (
    "text{font:11px sans-serif;fill:#333}.t{font-size:15px;font-weight:bold}.b{fill:#fff;text-anchor:middle}"
    ".n{text-anchor:end}.m{text-anchor:middle;font-weight:bold}.blue{fill:#3b76c4}.green{fill:#3f9652}"
    ".blue.o{fill:#6d9ad6}.green.o{fill:#73b682}.s{stroke:#999;stroke-dasharray:2 3}.a{stroke:#ccc}"
)


@dataclass(frozen=True)
class Bar:
    """A stretch of time in which a lane had a package (by its version) on the store of a colour."""

    began: datetime
    ended: datetime
    version: int
    colour: Colour


@dataclass(frozen=True)
class Span:
    """The time that the picture shows."""

    began: datetime
    ended: datetime

    def x(self, moment: datetime) -> float:
        part = (moment - self.began) / (self.ended - self.began)
        return round(_LEFT + min(max(part, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT), 1)

    @property
    def seconds(self) -> float:
        return (self.ended - self.began).total_seconds()


def draw(run: Run) -> str:
    """The picture as the text of an SVG file."""
    ends = [state.ended for state in run.states if state.ended]
    span = Span(run.outcomes[0].began, max([run.outcomes[-1].ended, *ends]))
    lanes: list[tuple[str, list[Bar]]] = [(str(slot), slot_bars(run, slot, span)) for slot in Slot]
    lanes += [(f"{colour} store", store_bars(run, colour, span)) for colour in Colour]
    top = _CURVE_TOP + _CURVE + 2 * _GAP
    height = top + len(lanes) * (_LANE + _GAP) + _GAP + 54
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
            f"<title>{escape(_title(run))}</title><style>{_STYLE}</style>",
            f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
            f'<text class="t" x="{_LEFT}" y="20">{escape(_title(run))}</text>',
            *_marks(run.outcomes, span),
            *_curves(run.states, span),
            *(part for number, lane in enumerate(lanes) for part in _lane(top + number * (_LANE + _GAP), *lane, span)),
            *_swaps(run.events, span, top + len(lanes) * (_LANE + _GAP)),
            *_axis(span, top + len(lanes) * (_LANE + _GAP) + _GAP),
            f'<text x="{_LEFT}" y="{height - 8}">{escape(_LEGEND)}</text>',
            "</svg>",
            "",
        ]
    )


def slot_bars(run: Run, slot: Slot, span: Span) -> list[Bar]:
    """What a slot had, by the settings of its workers in the event log."""
    seen = [
        (moment(event), _held(event, run.packages))
        for event in run.events
        if event["slot"] == slot and "host" not in event
    ]
    return _merged(seen, span)


def store_bars(run: Run, colour: Colour, span: Span) -> list[Bar]:
    """Which packages were at work on a store's hub, one after the other."""
    found = [stay for stay in stays(run.events) if _colour(stay.hub[0]) is colour]
    bars: list[Bar] = []
    for stay in found:
        version, left = run.packages[stay.package], stay.left or span.ended
        if bars and bars[-1].version == version:
            bars[-1] = Bar(bars[-1].began, left, version, colour)
        else:
            bars.append(Bar(stay.joined, left, version, colour))
    return bars


def active(states: Iterable[State], moments: Sequence[datetime]) -> list[int]:
    """How many orchestrations were active at each of these moments."""
    lives = [(state.began, state.ended) for state in states]
    return [sum(began <= at and (ended is None or at < ended) for began, ended in lives) for at in moments]


def _merged(seen: Sequence[tuple[datetime, tuple[int, Colour] | None]], span: Span) -> list[Bar]:
    bars: list[Bar] = []
    for number, (began, held) in enumerate(seen):
        ended = seen[number + 1][0] if number + 1 < len(seen) else span.ended
        if held is None:
            continue
        if bars and (bars[-1].version, bars[-1].colour) == held and bars[-1].ended == began:
            bars[-1] = Bar(bars[-1].began, ended, *held)
        else:
            bars.append(Bar(began, ended, *held))
    return bars


def _held(event: Event, packages: Mapping[str, int]) -> tuple[int, Colour] | None:
    settings = event["settings"]
    name = settings.get(PACKAGE, "").partition("?")[0].rpartition("/")[2]
    version = packages.get(packaged(name) or "")
    return None if version is None else (version, _colour(table_access(settings, DEFAULT_CONNECTION).account))


def _colour(account: str) -> Colour:
    return next(colour for colour in Colour if account.endswith(colour))


def _title(run: Run) -> str:
    account = run.account
    return (
        f"{account.releases.done} releases, {account.releases.swaps} swaps, "
        f"{account.orchestrations.started:,} orchestrations: {account.orchestrations.harmed} came to harm"
    )


def _curves(states: Sequence[State], span: Span) -> Iterator[str]:
    """Active orchestrations on each store, one above the other."""
    step = (span.ended - span.began) / _STEPS
    moments = [span.began + number * step for number in range(_STEPS + 1)]
    base = [0] * len(moments)
    counts = {
        colour: active([state for state in states if _colour(state.hub[0]) is colour], moments) for colour in Colour
    }
    highest = max(1, *(sum(each) for each in zip(*counts.values(), strict=True)))
    bottom = _CURVE_TOP + _CURVE
    for colour, count in counts.items():
        upper = [low + more for low, more in zip(base, count, strict=True)]
        line = [*zip(moments, upper, strict=True), *reversed(list(zip(moments, base, strict=True)))]
        points = " ".join(f"{span.x(at):g},{bottom - _CURVE * value / highest:.0f}" for at, value in line)
        yield f'<polygon class="{colour} o" points="{points}"/>'
        base = upper
    yield f'<path class="a" d="M{_LEFT} {bottom}H{_WIDTH - _RIGHT}"/>'
    yield f'<text class="n" x="{_LEFT - 8}" y="{_CURVE_TOP + 10}">{highest} active</text>'
    yield f'<text class="n" x="{_LEFT - 8}" y="{bottom}">0</text>'


def _lane(top: int, name: str, bars: Sequence[Bar], span: Span) -> Iterator[str]:
    yield f'<text class="n" x="{_LEFT - 8}" y="{top + 17}">{name}</text>'
    for bar in bars:
        left, right = span.x(bar.began), span.x(bar.ended)
        other = " o" if bar.version % 2 else ""
        yield f'<rect class="{bar.colour}{other}" x="{left:g}" y="{top}" width="{right - left:.1f}" height="{_LANE}"/>'
        if right - left > _WIDE_ENOUGH:
            yield f'<text class="b" x="{(left + right) / 2:.0f}" y="{top + 17}">{bar.version}</text>'


def _swaps(events: Sequence[Event], span: Span, bottom: int) -> Iterator[str]:
    lines = "".join(f"M{span.x(at):g} {_CURVE_TOP}V{bottom}" for at in swaps(events))
    yield f'<path class="s" d="{lines}"/>'


def _marks(outcomes: Sequence[Outcome], span: Span) -> Iterator[str]:
    for outcome in outcomes:
        if (mark := _MARKS.get(outcome.scene.act)) is not None:
            middle = span.x(outcome.began + (outcome.ended - outcome.began) / 2)
            title = f"<title>{escape(outcome.scene.act)} (drain: {outcome.scene.drain})</title>"
            yield f'<text class="m" x="{middle:g}" y="{_CURVE_TOP - 12}">{mark}{title}</text>'


def _axis(span: Span, top: int) -> Iterator[str]:
    minutes = int(span.seconds // 60)
    for minute in range(minutes + 1):
        x = _LEFT + minute * 60 / span.seconds * (_WIDTH - _LEFT - _RIGHT)
        yield f'<text class="m" x="{x:.0f}" y="{top + 10}">{minute}</text>'
    yield f'<text class="n" x="{_LEFT - 14}" y="{top + 10}">minutes</text>'
