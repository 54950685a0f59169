"""`gate --connection` against real tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localazure.host.test_azurite import Azurite
from tests.release.cli.fakes import Scene
from tests.release.test_instances_azurite import Account, write

ONCE = ("--timeout", "0", "--steady", "0")


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    process = Azurite(tmp_path_factory.mktemp("azurite"))
    yield process
    process.process.stop()


@pytest.fixture
def account(azurite: Azurite) -> Account:
    """An account with a busy hub and a drained one."""
    made = Account(azurite)
    write(made.hub("Orders"), "order-1", "Running")
    write(made.hub("Shop"), "order-2", "Completed")
    return made


def test_a_store_is_found_by_the_name_of_its_connection_and_by_its_connection_string(
    scene: Scene, account: Account
) -> None:
    connection = account.by_key["X"]
    scene.environ["Elsewhere"] = connection
    by_name = scene.document("gate", "--connection", "Elsewhere", *ONCE, code=3)
    assert by_name["hubs"] == ["Orders", "Shop"]
    assert [(one["id"], one["hub"]) for one in by_name["instances"]] == [("order-1", "Orders")]
    by_string = scene.command("gate", "--connection", connection, *ONCE, "--json")
    assert by_string.exit_code == 3
    assert account.key not in by_string.output
    assert scene.opened == []


def test_one_hub_of_a_store_may_be_drained_while_another_is_busy(scene: Scene, account: Account) -> None:
    scene.environ["Elsewhere"] = account.by_key["X"]
    named = ("gate", "--connection", "Elsewhere", *ONCE, "--hub")
    assert scene.document(*named, "Shop")["hubs"] == ["Shop"]
    assert scene.document(*named, "orders", code=3)["active"] == 1
    assert "no task hub Sohp, but Orders, Shop" in scene.document(*named, "Sohp", code=4)["reason"]
