from __future__ import annotations

import pytest

from durable.statuses import is_active


@pytest.mark.parametrize("status", ["Pending", "Running", "Suspended", "ContinuedAsNew"])
def test_an_instance_that_may_still_replay_is_active(status: str) -> None:
    assert is_active(status)


@pytest.mark.parametrize("status", ["Completed", "Failed", "Canceled", "Terminated"])
def test_a_finished_instance_is_not_active(status: str) -> None:
    assert not is_active(status)


@pytest.mark.parametrize("status", ["Hibernating", "", "completed", "Completed "])
def test_a_status_that_nobody_knows_counts_as_active(status: str) -> None:
    assert is_active(status)
