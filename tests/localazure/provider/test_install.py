from __future__ import annotations

import stat
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from localazure.provider import install as installation
from localazure.provider.catalogue import Catalogue
from localazure.provider.install import CATALOGUE, EXECUTABLE, KEY, install


@pytest.fixture
def folder(tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation in a home with a blank in its name."""
    made = {"version": catalogue.version, **catalogue.document}
    monkeypatch.setattr("localazure.provider.introspect.document", lambda _: made)
    return install(tmp_path / "pulumi home")


def test_the_plugin_is_where_the_engine_looks_for_the_sdks_version(folder: Path) -> None:
    assert folder.name == f"resource-azure-native-v{version('pulumi-azure-native')}"
    assert sorted(path.name for path in folder.iterdir()) == sorted([CATALOGUE, EXECUTABLE, KEY])
    assert (folder / EXECUTABLE).stat().st_mode & stat.S_IXUSR


def test_the_plugin_says_its_port_and_ends_with_the_engine(folder: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [folder / EXECUTABLE, "127.0.0.1:1"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline().strip().isdigit()
        process.stdin.close()
        assert process.wait(timeout=10) == 0


def test_an_unchanged_installation_is_left_alone_and_needs_no_sdk(folder: Path) -> None:
    before = (folder / EXECUTABLE).stat().st_mtime_ns
    script = (
        "import sys; from pathlib import Path; from localazure.provider.install import install;"
        f"install(Path({str(folder.parents[1])!r})); assert 'pulumi_azure_native' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], cwd=installation.ROOT, check=True)
    assert (folder / EXECUTABLE).stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["key", "executable"])
def test_an_interrupted_installation_is_done_again(folder: Path, damage: str) -> None:
    (folder / (KEY if damage == "key" else EXECUTABLE)).unlink()
    (folder / CATALOGUE).write_text("half")
    install(folder.parents[1])
    assert Catalogue.load(folder / CATALOGUE).resource("azure-native:web:WebApp")
    assert (folder / EXECUTABLE).is_file()
