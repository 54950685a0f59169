"""How a command ends, whatever it was: the one place that turns errors into words for programs and exit codes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

from release.planner import Refusal

Problem: TypeAlias = BaseException | Refusal


class Ending(StrEnum):
    """How a command ended, or which step of it was refused."""

    DONE = "done"
    BUSY = "busy"
    """Orchestrations still run, and the time to wait for them is over."""
    UNKNOWN = "unknown"
    """Something couldn't be read, and nothing is guessed."""
    REFUSED = "refused"
    """What was seen is clear, and to go on would hurt."""
    ERROR = "error"
    INTERRUPTED = "interrupted"

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES[self]


BAD_USAGE: Final = 2
"""The exit code for arguments that make no sense; typer's own."""

_EXIT_CODES: Final = {
    Ending.DONE: 0,
    Ending.ERROR: 1,
    Ending.BUSY: 3,
    Ending.UNKNOWN: 4,
    Ending.REFUSED: 4,
    Ending.INTERRUPTED: 130,
}


def ending_of(problem: Problem) -> Ending:
    """What a problem of a release means. It loads the clients that errors come from, so call it when there is one."""
    from release.drain import State
    from release.guard import RefusedError
    from release.instances import StoreUnknownError
    from release.swap import AfterSwapError, LiveError, SwapError

    match problem:
        case RefusedError(verdict=verdict) if verdict is not None:
            return Ending.BUSY if verdict.state is State.BUSY else Ending.UNKNOWN
        case AfterSwapError():
            return Ending.ERROR
        case RefusedError() | SwapError() | Refusal():
            return Ending.REFUSED
        case LiveError() | StoreUnknownError():
            return Ending.UNKNOWN
        case KeyboardInterrupt():
            return Ending.INTERRUPTED
    return Ending.ERROR
