from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from release.package import PackageError
from release.wanted import Wanted, wanted
from tests.release.test_config import loaded


def zipped(path: Path, hub: str) -> str:
    section = {"hubName": hub, "storageProvider": {"connectionName": "DurableManagementStorage"}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("host.json", json.dumps({"version": "2.0", "extensions": {"durableTask": section}}))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_zip_is_at_hand_and_says_where_its_hub_s_name_comes_from(tmp_path: Path) -> None:
    sha256 = zipped(tmp_path / "app.zip", "%Hub%")
    settings = loaded(package="app.zip", version="2.0")
    found = wanted(settings, tmp_path)
    assert found == Wanted(sha256, tmp_path / "app.zip", "Hub")
    desired = found.desired(settings)
    assert (desired.package, desired.hub_setting, desired.version, desired.at_hand) == (sha256, "Hub", "2.0", True)


def test_a_package_named_by_its_hash_needs_no_file(tmp_path: Path) -> None:
    settings = loaded(package=f"sha256:{'a' * 64}")
    found = wanted(settings, tmp_path)
    assert found == Wanted("a" * 64)
    assert not found.desired(settings).at_hand


def test_a_zip_that_disagrees_with_config_is_refused(tmp_path: Path) -> None:
    zipped(tmp_path / "app.zip", "OtherHub")
    with pytest.raises(PackageError, match="OtherHub"):
        wanted(loaded(package="app.zip"), tmp_path)
