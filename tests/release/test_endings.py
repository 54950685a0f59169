from __future__ import annotations

import pytest

from release.azure_config import CloudError
from release.config import SettingsError
from release.drain import State, Verdict
from release.endings import Ending, Problem, ending_of
from release.guard import RefusedError
from release.instances import StoreUnknownError
from release.package import PackageError
from release.planner import Refusal
from release.swap import AccessError, AfterSwapError, LiveError, SwapError


@pytest.mark.parametrize(
    ("problem", "ending", "code"),
    [
        (RefusedError("", Verdict(State.BUSY, "a")), Ending.BUSY, 3),
        (RefusedError("", Verdict(State.UNKNOWN, "a")), Ending.UNKNOWN, 4),
        (RefusedError("the slot was changed"), Ending.REFUSED, 4),
        (Refusal("two slots on one store", ""), Ending.REFUSED, 4),
        (SwapError(""), Ending.REFUSED, 4),
        (AfterSwapError(""), Ending.ERROR, 1),
        (LiveError(""), Ending.UNKNOWN, 4),
        (AccessError(""), Ending.UNKNOWN, 4),
        (StoreUnknownError("a", "503"), Ending.UNKNOWN, 4),
        (SettingsError([]), Ending.ERROR, 1),
        (PackageError(""), Ending.ERROR, 1),
        (CloudError(""), Ending.ERROR, 1),
        (OSError(), Ending.ERROR, 1),
        (KeyboardInterrupt(), Ending.INTERRUPTED, 130),
    ],
)
def test_each_problem_has_one_ending_and_one_exit_code(problem: Problem, ending: Ending, code: int) -> None:
    assert ending_of(problem) is ending
    assert ending.exit_code == code


def test_what_is_done_ends_with_zero_and_nothing_else_does() -> None:
    assert [ending for ending in Ending if ending.exit_code == 0] == [Ending.DONE]
