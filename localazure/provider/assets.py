"""The bytes of Pulumi assets and archives."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from localazure.provider.errors import ProviderError
from localazure.provider.wire import Asset

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""Zip's first possible time, so that the same files give the same bytes."""


@contextmanager
def content(source: Any) -> Iterator[IO[bytes] | bytes]:
    """What a blob's source holds; empty if there is none. An archive comes as a zip file."""
    if source is None:
        yield b""
    elif not isinstance(source, Asset):
        raise ProviderError("a blob's source must be an asset or an archive")
    elif source.path and not (source.archive and Path(source.path).is_dir()):
        if source.archive and Path(source.path).suffix != ".zip":
            raise ProviderError(f"'{source.path}': local Azure takes folders and .zip files as archives")
        try:
            with Path(source.path).open("rb") as file:
                yield file
        except OSError as error:
            raise ProviderError(f"a blob's source can't be read: {error}") from error
    elif source.archive:
        yield _zipped(_members(source))
    elif source.uri:
        raise ProviderError(f"'{source.uri}': local Azure fetches nothing, give the asset as a file or a string")
    else:
        yield source.text.encode()


def _members(archive: Asset) -> Mapping[str, bytes]:
    if archive.path:
        root = Path(archive.path)
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
    members: dict[str, bytes] = {}
    for name, asset in sorted(archive.assets.items()):
        if asset.archive:
            members |= {f"{name}/{inner}": data for inner, data in _members(asset).items()}
        else:
            with content(asset) as data:
                members[name] = data if isinstance(data, bytes) else data.read()
    return members


def _zipped(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return buffer.getvalue()
