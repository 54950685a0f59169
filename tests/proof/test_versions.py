"""Versions are other code one and all, and the same ones for the same seed."""

from __future__ import annotations

import itertools
import json
import zipfile
from pathlib import Path

from durable.host_json import read_host_json
from proof.versions import HUB, SHOP, Version, Versions, build, tracked_host_json


def made(seed: int, count: int = 30) -> list[Version]:
    versions = Versions(seed)
    return [versions[number] for number in range(1, count + 1)]


def constants(version: Version) -> dict[str, object]:
    found: dict[str, object] = {}
    exec(version.code, found)  # noqa: S102 - it is our own
    return found


def test_each_version_has_another_order_than_the_one_before_and_names_of_its_own() -> None:
    versions = made(seed=3)
    assert all(one.order != other.order for one, other in itertools.pairwise(versions))
    assert len({step for version in versions for step in version.steps}) == 4 * len(versions)


def test_a_seed_gives_the_same_versions_again_and_another_seed_gives_others() -> None:
    assert made(seed=3) == made(seed=3)
    assert [version.order for version in made(seed=3)] != [version.order for version in made(seed=4)]


def test_its_code_is_what_the_app_imports() -> None:
    version = Version(7, ("ship", "pack", "charge", "reserve"))
    found = constants(version)
    assert found["VERSION"] == 7
    assert found["STEPS"] == ("ship_v7", "pack_v7", "charge_v7", "reserve_v7")
    assert found["DELIVERY"] == "delivery_v7"
    assert [constants(version)["WAITS_FIRST"] for version in made(seed=1, count=2)] == [False, True]


def test_a_package_holds_the_app_with_its_version_and_is_the_same_each_time(tmp_path: Path) -> None:
    one, two = made(seed=1, count=2)
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    first, again = (build(one, folder) for folder in folders)
    assert first.sha256 == again.sha256 != build(two, folders[0]).sha256
    with zipfile.ZipFile(first.path) as archive:
        assert archive.read("function_app.py") == (SHOP / "function_app.py").read_bytes()
        assert archive.read("version.py").decode() == one.code
    assert read_host_json(first.host_json).hub_name == HUB


def test_with_a_tracking_store_each_hub_takes_its_name_from_a_setting() -> None:
    durable = read_host_json(tracked_host_json("Tracking", "All"))
    assert durable.hub_setting == "TaskHub"
    assert durable.tracking_connection_name == "Tracking"
    assert durable.tracking_prefix == "All"
    assert durable.connection_name == read_host_json((SHOP / "host.json").read_text()).connection_name
    assert json.loads(tracked_host_json("Tracking", "All"))["version"] == "2.0"
