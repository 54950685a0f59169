"""The policy pack in the real engine."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import REPOSITORY, Stack

pytestmark = pytest.mark.e2e

PACK = ("--policy-pack", str(REPOSITORY / "policies"))


def test_the_projects_own_program_passes_without_a_word(stack: Stack) -> None:
    for command in (("preview",), ("up", "--yes"), ("preview", "--expect-no-changes")):
        output = stack.succeed(*command, *PACK)
        assert "durable-functions-slots" in output, output
        print(output)
        assert "[advisory]" not in output
        assert "[mandatory]" not in output
