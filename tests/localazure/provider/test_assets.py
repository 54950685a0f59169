from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from localazure.provider.assets import content
from localazure.provider.errors import ProviderError
from localazure.provider.wire import Asset


def read(source: object) -> bytes:
    with content(source) as data:
        return data if isinstance(data, bytes) else data.read()


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_no_source_is_an_empty_blob() -> None:
    assert read(None) == b""


def test_texts_and_files_are_taken_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"\x00\x01")
    assert read(Asset(archive=False, text="é")) == "é".encode()
    assert read(Asset(archive=False, path=str(file))) == b"\x00\x01"


def test_a_zip_file_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(b"any bytes")
    assert read(Asset(archive=True, path=str(file))) == b"any bytes"


def test_a_folder_is_zipped_to_the_same_bytes_each_time(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "b").write_text("2")
    (tmp_path / "a").write_text("1")
    first = read(Asset(archive=True, path=str(tmp_path)))
    (tmp_path / "a").touch()
    assert read(Asset(archive=True, path=str(tmp_path))) == first
    assert unzipped(first) == {"a": b"1", "inner/b": b"2"}


def test_an_archive_of_assets_and_archives_is_zipped() -> None:
    inner = Asset(archive=True, assets={"b": Asset(archive=False, text="2")})
    outer = Asset(archive=True, assets={"a": Asset(archive=False, text="1"), "inner": inner})
    assert unzipped(read(outer)) == {"a": b"1", "inner/b": b"2"}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("words", "must be an asset or an archive"),
        (Asset(archive=False, path="no/such/file"), "can't be read"),
        (Asset(archive=True, path="code.tar.gz"), "takes folders and .zip files"),
        (Asset(archive=False, uri="https://example.org/x"), "local Azure fetches nothing"),
    ],
)
def test_what_can_not_be_read_is_told(source: object, text: str) -> None:
    with pytest.raises(ProviderError, match=text):
        read(source)
