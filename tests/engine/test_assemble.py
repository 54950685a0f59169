from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from engine import assemble as module
from engine.assemble import BUILT, assemble, is_assembled
from engine.errors import NoEnvironmentError
from tests.engine.conftest import Machine


@pytest.fixture
def built(machine: Machine) -> Path:
    folder = machine.root / "built"
    for name in BUILT:
        machine.install(name, f"echo {name}", folder)
    return folder


def times(folder: Path) -> dict[str, tuple[int, int]]:
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in folder.iterdir()}


def test_the_folder_holds_the_engine_and_all_that_it_looks_for_beside_itself(machine: Machine, built: Path) -> None:
    folder = assemble(built, machine.project)
    assert folder == machine.project / ".venv" / "engine" / "bin"
    assert sorted(file.name for file in folder.iterdir()) == sorted([*BUILT, "pulumi-language-python"])
    assert all(file.stat().st_mode & 0o111 == 0o111 for file in folder.iterdir())
    assert (folder / "pulumi").samefile(built / "pulumi")


def test_assembling_again_changes_nothing(machine: Machine, built: Path) -> None:
    before = times(assemble(built, machine.project))
    assert times(assemble(built, machine.project)) == before


def test_where_links_cannot_be_made_files_are_copied_once(
    machine: Machine, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    folder = assemble(built, machine.project)
    assert not (folder / "pulumi").samefile(built / "pulumi")
    assert (folder / "pulumi").read_bytes() == (built / "pulumi").read_bytes()
    before = times(folder)
    assert times(assemble(built, machine.project)) == before


def test_another_build_replaces_the_engine(machine: Machine, built: Path) -> None:
    assemble(built, machine.project)
    newer = machine.root / "newer"
    for name in BUILT:
        machine.install(name, f"echo newer {name}", newer)
    folder = assemble(newer, machine.project)
    assert (folder / "pulumi").samefile(newer / "pulumi")


def test_a_checkout_that_was_moved_gets_its_language_host_anew(machine: Machine, built: Path) -> None:
    host = assemble(built, machine.project) / "pulumi-language-python"
    assert str(machine.project) in host.read_text()
    moved = machine.project.rename(machine.root / "moved")
    host = assemble(built, moved) / "pulumi-language-python"
    assert str(machine.project) not in host.read_text()
    assert str(moved / ".venv" / "bin" / "python") in host.read_text()


def test_a_damaged_folder_is_mended(machine: Machine, built: Path) -> None:
    folder = assemble(built, machine.project)
    (folder / "pulumi").unlink()
    (folder / "pulumi-language-python").chmod(0o644)
    assemble(built, machine.project)
    assert (folder / "pulumi").samefile(built / "pulumi")
    assert (folder / "pulumi-language-python").stat().st_mode & 0o111 == 0o111


def test_the_language_host_starts_in_a_folder_with_blanks_and_quotes(machine: Machine, built: Path) -> None:
    project = machine.project.rename(machine.root / "it's a project")
    machine.install("python", 'printf "%s\\n" "$@"', project / ".venv" / "bin")
    host = assemble(built, project) / "pulumi-language-python"
    arguments = subprocess.check_output([host, "127.0.0.1:1234"], text=True).splitlines()
    assert arguments[:2] == ["-P", "-c"]
    assert arguments[-2:] == [str(project), "127.0.0.1:1234"]


def test_a_project_without_environment_is_told_to_make_one(machine: Machine, built: Path) -> None:
    (machine.project / ".venv" / "bin" / "python").unlink()
    with pytest.raises(NoEnvironmentError, match=r"\.venv/bin/python isn't there, .* run `make setup`"):
        assemble(built, machine.project)


def test_a_folder_of_this_or_another_checkout_is_known_by_its_place() -> None:
    assert is_assembled(module.folder_of(module.PROJECT))
    assert is_assembled(Path("/other/checkout/.venv/engine/bin"))
    assert not is_assembled(Path("/usr/local/bin"))
