from __future__ import annotations

import base64
import json
import platform
import sys
from pathlib import Path

import pytest

from engine.interpreter import Installed, Interpreter, InterpreterError, Plugin


@pytest.fixture
def virtualenv(tmp_path: Path) -> Path:
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return tmp_path / "env"


def installed(folder: Path, name: str, *, requires: tuple[str, ...] = (), plugin: object = None) -> None:
    """Put a package with its metadata into a folder, as pip would."""
    described = folder / f"{name}-1.0.dist-info"
    described.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {one}" for one in requires)]
    (described / "METADATA").write_text("\n".join(lines) + "\n")
    (folder / name).mkdir()
    if plugin is not None:
        (folder / name / "pulumi-plugin.json").write_text(json.dumps(plugin))


def test_the_virtual_environment_is_found_from_the_projects_folder(virtualenv: Path) -> None:
    pack = virtualenv.parent / "policies"
    pack.mkdir()
    interpreter = Interpreter.of({"virtualenv": "../env", "toolchain": "pip"}, pack)
    assert interpreter.python.samefile(virtualenv / "bin" / "python")


def test_a_plugin_that_names_none_has_its_default(virtualenv: Path) -> None:
    assert Interpreter.of({}, virtualenv.parent, "env").virtualenv == virtualenv


def test_without_a_virtual_environment_the_python_of_the_shell_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_PYTHON_CMD", sys.executable)
    assert Interpreter.of({}, Path("/project")) == Interpreter(Path(sys.executable))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"virtualenv": "missing"}, r"There is no Python in .*/missing, .* run `make setup`"),
        ({"toolchain": "poetry"}, r"`toolchain: poetry` .* needs the official Pulumi"),
        ({"typechecker": "mypy", "virtualenv": "env"}, r"`typechecker: mypy` .* needs the official Pulumi"),
    ],
)
def test_what_cannot_be_run_is_refused_with_what_to_do(virtualenv: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(InterpreterError, match=message):
        Interpreter.of(options, virtualenv.parent)


def test_a_shell_without_python_is_told_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_PYTHON_CMD", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InterpreterError, match="There is no `python3` on PATH"):
        Interpreter.of({}, Path("/project"))


def test_a_virtual_environment_is_activated_for_what_runs_in_it(virtualenv: Path) -> None:
    interpreter = Interpreter.of({"virtualenv": "env"}, virtualenv.parent)
    assert interpreter.environ({"PATH": "/bin", "PYTHONHOME": "/usr", "LANG": "C"}) == {
        "PATH": f"{virtualenv}/bin:/bin",
        "LANG": "C",
        "VIRTUAL_ENV": str(virtualenv),
    }


def test_an_interpreter_tells_its_version_and_where_its_packages_are() -> None:
    found = Interpreter(Path(sys.executable)).installed()
    assert found.version == platform.python_version()
    assert any((path / "pytest").is_dir() for path in found.paths)


def test_an_interpreter_that_does_not_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InterpreterError, match=r"no-python doesn't run"):
        Interpreter(tmp_path / "no-python").installed()


def test_packages_are_those_that_no_other_requires(tmp_path: Path) -> None:
    installed(
        tmp_path, "pulumi_cloud", requires=("pulumi (>=3,<4)", "Parver>=0.2; python_version > '3'", "x; extra == 'y'")
    )
    for name in ("pulumi", "parver", "x"):
        installed(tmp_path, name)
    found = Installed("3.11.7", (tmp_path,))
    assert found.packages(transitive=False) == {"pulumi_cloud": "1.0", "x": "1.0"}
    assert set(found.packages(transitive=True)) == {"pulumi_cloud", "pulumi", "parver", "x"}


def test_plugins_are_what_the_packages_say_they_need(tmp_path: Path) -> None:
    value = base64.b64encode(b"\x01\x02").decode()
    parameterization = {"name": "local", "version": "0.1.0", "value": value}
    installed(tmp_path, "pulumi_cloud", plugin={"resource": True, "name": "cloud", "version": "3.29.0"})
    installed(tmp_path, "pulumi_bridge", plugin={"resource": True, "parameterization": parameterization})
    installed(tmp_path, "pulumi_policy", plugin={"resource": False})
    installed(tmp_path, "requests")
    assert list(Installed("3.11.7", (tmp_path,)).plugins()) == [
        Plugin("bridge", "", "", ("local", "0.1.0", b"\x01\x02")),
        Plugin("cloud", "3.29.0", "", None),
    ]
