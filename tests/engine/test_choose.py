from __future__ import annotations

import os

import pytest

from engine import Engine, ensure, locate
from engine.errors import NoGoError
from tests.engine.conftest import Machine


def install_pulumi(machine: Machine, version: str = "v3.259.0", *, host: bool = True) -> None:
    machine.install("pulumi", f'test "$1" = version && test "$PULUMI_SKIP_UPDATE_CHECK" = true && echo {version}')
    if host:
        machine.install("pulumi-language-python", "exit 0")


def found(machine: Machine) -> Engine | None:
    return locate(environ=machine.environ, project=machine.project)


def built(machine: Machine) -> tuple[Engine, list[str]]:
    said: list[str] = []
    return ensure(said.append, environ=machine.environ, project=machine.project), said


@pytest.mark.parametrize("version", ["v3.259.0", "v3.259.1", "v3.272.0", "v4.0.0"])
def test_an_installed_pulumi_that_is_new_enough_is_used_as_it_is(machine: Machine, version: str) -> None:
    install_pulumi(machine, version)
    assert found(machine) == Engine(machine.bin, machine.bin / "pulumi", version.removeprefix("v"), official=True)
    assert not (machine.project / ".venv" / "engine").exists()


def test_an_installed_pulumi_is_used_even_where_one_is_built(machine: Machine) -> None:
    machine.install_go()
    built(machine)
    install_pulumi(machine)
    engine = found(machine)
    assert engine is not None
    assert engine.official


def test_the_language_host_may_be_beside_the_file_that_a_link_on_path_leads_to(machine: Machine) -> None:
    real = machine.root / "opt"
    machine.install("pulumi-language-python", "exit 0", real)
    (machine.bin / "pulumi").symlink_to(machine.install("pulumi", "echo v3.259.0", real))
    engine = found(machine)
    assert engine is not None
    assert engine.bin == machine.bin


@pytest.mark.parametrize(
    ("version", "host", "reason"),
    [
        ("v3.258.9", True, "is version 3.258.9, and 3.259.0 or newer is needed."),
        ("v3.259.0-alpha.1", True, "is version 3.259.0 (pre-release), and 3.259.0 or newer is needed."),
        ("v3.259.0", False, "has no pulumi-language-python beside it."),
        ("", True, "doesn't answer `pulumi version`."),
    ],
)
def test_an_installed_pulumi_that_will_not_do_is_named_and_one_is_built(
    machine: Machine, version: str, host: bool, reason: str
) -> None:
    install_pulumi(machine, version, host=host)
    machine.install_go()
    assert found(machine) is None
    engine, said = built(machine)
    assert said[0] == f"{machine.bin / 'pulumi'} {reason}"
    assert not engine.official
    assert engine.version == "3.259.0"
    assert engine.bin == machine.project / ".venv" / "engine" / "bin"


def test_a_built_engine_is_found_without_building_again(machine: Machine) -> None:
    machine.install_go()
    engine, _ = built(machine)
    calls = machine.go_calls
    assert found(machine) == engine
    assert built(machine) == (engine, [])
    assert machine.go_calls == calls


def test_a_folder_that_a_checkout_assembled_is_not_taken_for_an_installed_pulumi(machine: Machine) -> None:
    ours = machine.root / "other" / ".venv" / "engine" / "bin"
    machine.install("pulumi", "echo v3.259.0", ours)
    machine.install("pulumi-language-python", "exit 0", ours)
    environ = machine.environ | {"PATH": os.pathsep.join([str(ours), machine.environ["PATH"]])}
    assert locate(environ=environ, project=machine.project) is None


def test_without_pulumi_and_without_a_build_there_is_none(machine: Machine) -> None:
    assert found(machine) is None


def test_without_pulumi_and_go_the_message_says_what_to_install(machine: Machine) -> None:
    with pytest.raises(NoGoError) as refusal:
        ensure(print, environ=machine.environ, project=machine.project)
    assert str(refusal.value) == (
        "Neither a usable `pulumi` nor `go` is on PATH. Install Pulumi 3.259.0 or newer "
        "(https://www.pulumi.com/docs/install/), or Go 1.25.11 or newer (https://go.dev/dl/) to have it built here."
    )
