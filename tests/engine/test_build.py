from __future__ import annotations

import fcntl
import queue
import threading

import pytest

from engine import build as module
from engine.build import Build
from engine.errors import BuildError, NoGoError
from tests.engine.conftest import Machine


def a_build(machine: Machine) -> Build:
    return Build(machine.project / "engine", machine.environ)


def test_go_is_called_as_pulumi_is_built_upstream_but_without_the_users_own_flags(machine: Machine) -> None:
    machine.install_go()
    build = Build(machine.project / "engine", machine.environ | {"GOFLAGS": "-race", "GOWORK": "/elsewhere"})
    build.run(lambda _: None)
    partial = f"{build.folder}.partial/pulumi"
    assert (build.folder / "pulumi").read_text().splitlines() == [
        str(machine.project / "engine"),
        "0 -mod=readonly off",
        *("build", "-trimpath", "-tags", "osusergo,grpcnotrace", "-ldflags"),
        "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.259.0",
        *("-o", partial, "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"),
    ]


def test_a_build_leaves_the_engine_and_the_two_scripts_of_the_sdk_ready_to_run(machine: Machine) -> None:
    machine.install_go()
    build = a_build(machine)
    build.run(lambda _: None)
    assert {file.name: file.stat().st_mode & 0o777 for file in build.folder.iterdir()} == {
        "pulumi": 0o755,
        "pulumi-language-python-exec": 0o755,
        "pulumi-resource-pulumi-python": 0o755,
    }
    assert "cmd/pulumi-language-python-exec" in (build.folder / "pulumi-language-python-exec").read_text()
    assert [file for file in build.folder.parent.iterdir() if file.suffix == ".partial"] == []


def test_the_cache_has_a_folder_for_each_version_and_set_of_modules(machine: Machine) -> None:
    first = a_build(machine).folder
    assert first.parent == machine.root / "cache" / "durable-zero-downtime" / "engine"
    assert first.name.startswith("3.259.0-")
    assert a_build(machine).folder == first
    (machine.project / "engine" / "go.sum").write_text("another/module v1.0.0 h1:xyz=\n")
    assert a_build(machine).folder != first


def test_the_cache_is_in_the_home_folder_where_nothing_else_is_said(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(machine.root))
    folder = Build(machine.project / "engine", {}).folder
    assert folder.parent == machine.root / ".cache" / "durable-zero-downtime" / "engine"


def test_the_user_is_told_what_is_built_how_long_it_takes_and_where_it_is(machine: Machine) -> None:
    machine.install_go()
    said: list[str] = []
    build = a_build(machine)
    build.run(said.append)
    assert said[0] == (
        "Building Pulumi 3.259.0 from its Go modules: once on this machine, about 7 minutes on two cores, "
        "about 3 GB for Go's own caches."
    )
    assert said[-1] == f"Built Pulumi in 0:00 min: {build.folder}"


def test_elapsed_time_is_drawn_while_go_works(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REDRAW_SECONDS", 0.01)
    machine.install_go(build=f"while ! test -e {machine.root / 'go-on'}; do sleep 0.01; done")
    drawn: list[str] = []

    def redraw(line: str) -> None:
        drawn.append(line)
        (machine.root / "go-on").touch()

    said: list[str] = []
    a_build(machine).run(said.append, redraw)
    assert drawn[0] == "Building Pulumi: 0:00 min"
    assert len(said) == 2


def test_a_failing_go_is_shown_with_the_last_that_it_said(machine: Machine) -> None:
    machine.install_go(
        build='i=0; while test $((i += 1)) -le 30; do echo "note $i"; done; echo "no space left on device" >&2; exit 3'
    )
    build = a_build(machine)
    with pytest.raises(BuildError) as failure:
        build.run(lambda _: None)
    lines = str(failure.value).splitlines()
    assert lines[0] == "`go build` ended with code 3 and said at last:"
    assert lines[1] == "  note 12"
    assert lines[20] == "  no space left on device"
    assert "https://www.pulumi.com/docs/install/" in lines[21]
    assert not build.done


def test_what_a_killed_build_left_behind_is_in_no_ones_way(machine: Machine) -> None:
    machine.install_go()
    build = a_build(machine)
    partial = build.folder.with_name(f"{build.folder.name}.partial")
    partial.mkdir(parents=True)
    (partial / "pulumi").write_text("half")
    build.run(lambda _: None)
    assert build.done
    assert not partial.exists()


def test_a_go_that_is_too_old_is_refused_with_what_to_install(machine: Machine) -> None:
    machine.install_go("go1.24.3", toolchain="local")
    with pytest.raises(NoGoError, match=r"go is Go 1\.24\.3, which is too old .* Go 1\.25\.11 or newer"):
        a_build(machine).run(lambda _: None)
    assert machine.go_calls == ["env"]


def test_a_go_that_can_fetch_a_newer_one_is_left_to_do_so(machine: Machine) -> None:
    machine.install_go("go1.24.3", toolchain="auto")
    a_build(machine).run(lambda _: None)
    assert machine.go_calls == ["env", "build", "list"]


def test_a_go_from_before_toolchains_is_refused(machine: Machine) -> None:
    machine.install_go("go1.20.14", toolchain="")
    with pytest.raises(NoGoError, match="too old"):
        a_build(machine).run(lambda _: None)


def test_a_go_that_does_not_run_is_refused(machine: Machine) -> None:
    machine.install("go", "echo 'bad CPU type' >&2; exit 1")
    with pytest.raises(NoGoError, match=r"(?s)doesn't tell its version.*bad CPU type.*Install Pulumi"):
        a_build(machine).run(lambda _: None)


def test_two_at_once_build_once(machine: Machine) -> None:
    machine.install_go()
    build = a_build(machine)
    build.folder.parent.mkdir(parents=True)
    said: queue.Queue[str] = queue.Queue()
    with (build.folder.parent / f"{build.folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = threading.Thread(target=build.run, args=(said.put,))
        waiting.start()
        assert said.get(timeout=10) == "Another process is building Pulumi: waiting for it."
        build.folder.mkdir()
        for name in ("pulumi", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"):
            (build.folder / name).touch()
    waiting.join(timeout=10)
    assert not waiting.is_alive()
    assert machine.go_calls == []
