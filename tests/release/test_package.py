from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

import release.package
from release.package import PackageError, open_package


def zip_of(path: Path, **files: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_json", ".json"), content)
    return path


def test_a_package_is_known_by_the_hash_of_its_bytes_and_brings_its_host_json(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "app.zip", host_json="\ufeff{}", function_app="")
    package = open_package(path)
    assert package.path == path
    assert package.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert package.host_json == "{}"


def test_a_missing_package_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"nowhere\.zip: there is no such file.*make package"):
        open_package(tmp_path / "nowhere.zip")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="can't be read"):
        open_package(tmp_path)


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "app.zip"
    path.write_text("no zip")
    with pytest.raises(PackageError, match="is no zip file"):
        open_package(path)


def test_a_zip_of_the_folder_instead_of_its_content_says_so(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"it is at functions/host\.json: zip the content of that folder"):
        open_package(zip_of(tmp_path / "app.zip", functions__host_json="{}"))


def test_a_zip_without_host_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"no host\.json at its root; is it the right zip"):
        open_package(zip_of(tmp_path / "app.zip", other="x"))


def test_a_host_json_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="not UTF-8"):
        open_package(zip_of(tmp_path / "app.zip", host_json=b"\xff\xff"))


def test_a_package_that_azure_would_not_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zip_of(tmp_path / "app.zip", host_json="{}")
    monkeypatch.setattr(release.package, "MAX_SIZE", path.stat().st_size - 1)
    with pytest.raises(PackageError, match="bytes, and Azure Functions runs packages of up to"):
        open_package(path)
