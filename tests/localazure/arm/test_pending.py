"""What a site tells of an operation that is in progress on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.localazure.conftest import GROUP, Arm, serving
from tests.localazure.held_storage import HeldStorage, hold_next_swap


@pytest.fixture
def storage() -> HeldStorage:
    return HeldStorage()


@pytest.fixture
def arm(tmp_path: Path, storage: HeldStorage) -> Iterator[Arm]:
    with serving(tmp_path / "arm.sqlite", storage) as made:
        made.make_group()
        made.make_site()
        made.make_slot()
        yield made
        storage.free.set()


def pending(arm: Arm) -> list[str | None]:
    apps = arm.web.web_apps
    found = [apps.get(GROUP, "shop"), apps.get_slot(GROUP, "shop", "staging")]
    return [site.in_progress_operation_id for site in found]


def test_a_site_and_its_slots_name_the_swap_in_progress_and_nothing_before_and_after(
    arm: Arm, storage: HeldStorage
) -> None:
    hold_next_swap(arm, storage)
    assert pending(arm) == [None, None]
    poller = arm.web.web_apps.begin_swap_slot_with_production(GROUP, "shop", {"targetSlot": "staging"})
    operation = arm.events("shop")[-1]["operation"]
    assert operation
    assert pending(arm) == [operation, operation]
    storage.free.set()
    poller.result()
    assert pending(arm) == [None, None]


def test_a_swap_that_failed_is_no_longer_in_progress(arm: Arm) -> None:
    arm.put_settings({"WEBSITE_SWAP_WARMUP_PING_STATUSES": "418"}, slot="staging")
    poller = arm.web.web_apps.begin_swap_slot_with_production(GROUP, "shop", {"targetSlot": "staging"})
    with pytest.raises(Exception, match="418"):
        poller.result()
    assert pending(arm) == [None, None]


def test_a_put_of_a_site_as_it_was_read_during_a_swap_keeps_no_operation(arm: Arm) -> None:
    site = arm.web.web_apps.get(GROUP, "shop")
    properties = {"serverFarmId": site.server_farm_id, "inProgressOperationId": "old"}
    body = {"location": site.location, "kind": site.kind, "properties": properties}
    arm.web.web_apps.begin_create_or_update(GROUP, "shop", body).result()
    assert pending(arm) == [None, None]
