from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import language_pb2 as language
from pulumi.runtime.proto import language_pb2_grpc

from engine import children
from engine.assemble import BUILT, PROJECT, assemble
from engine.langhost import LanguageHost
from tests.engine.conftest import Machine

SECONDS = 20
"""After which a call counts as hung."""

EXECUTOR = """
import json, os, sys
sys.path.insert(0, os.path.dirname(sys.argv[-1]))
with open("said.json", "w") as file:
    json.dump({"args": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ), "stdin": sys.stdin.read()}, file)
exec(open(os.path.join(sys.argv[-1], "__main__.py")).read())
"""

UNTIL_ENDED = """
import os, signal, time
{first}
os.write(os.open("alive", os.O_WRONLY), b"up")
time.sleep(600)
"""
"""A program that holds the writing end of a named pipe, so that its end is an event: the pipe's end."""


def ended(pipe: IO[bytes]) -> bool:
    """Wait for the end of the programs that hold the other end."""
    readable, _, _ = select.select([pipe], [], [], SECONDS)
    return bool(readable) and pipe.read() == b""


@dataclass(frozen=True)
class Project:
    folder: Path

    def write(self, program: str) -> None:
        (self.folder / "__main__.py").write_text(program)

    @property
    def info(self) -> language.ProgramInfo:
        options = Struct()
        options.update({"virtualenv": "env", "toolchain": "pip"})
        folder = str(self.folder)
        return language.ProgramInfo(root_directory=folder, program_directory=folder, entry_point=".", options=options)

    @property
    def run(self) -> language.RunRequest:
        return language.RunRequest(
            info=self.info,
            pwd=str(self.folder),
            project="shop",
            stack="dev",
            organization="organization",
            monitor_address="127.0.0.1:7",
            config={"shop:text": "hello", "shop:password": "hunter2"},
            configSecretKeys=["shop:password"],
            dryRun=True,
            parallel=16,
        )

    def plugin(self, kind: str, *args: str) -> language.RunPluginRequest:
        env = [f"{name}={value}" for name, value in os.environ.items()]
        return language.RunPluginRequest(
            info=self.info, pwd=str(self.folder), kind=kind, args=args, env=[*env, "GIVEN=a=b"]
        )

    def pipe(self) -> Path:
        os.mkfifo(self.folder / "alive")
        return self.folder / "alive"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return Project(tmp_path)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[LanguageHost]:
    executor = tmp_path / "executor.py"
    executor.write_text(EXECUTOR)
    made = LanguageHost(engine="127.0.0.1:8", executor=executor)
    yield made
    made.close()


@pytest.fixture
def stub(host: LanguageHost) -> Iterator[language_pb2_grpc.LanguageRuntimeStub]:
    server = grpc.server(ThreadPoolExecutor())
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield language_pb2_grpc.LanguageRuntimeStub(channel)
    server.stop(grace=None).wait()


@pytest.mark.parametrize(
    ("ending", "error", "bail"),
    [
        ("0", "", False),
        ("32", "", True),
        ("1", "Program exited with non-zero exit code: 1", False),
    ],
)
def test_a_programs_exit_code_says_whether_it_failed_and_whether_it_told(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Project, ending: str, error: str, bail: bool
) -> None:
    project.write(f"sys.exit({ending})")
    answer = stub.Run(project.run, timeout=SECONDS)
    assert (answer.error, answer.bail) == (error, bail)


def test_a_program_that_is_killed_is_said_to_be(stub: language_pb2_grpc.LanguageRuntimeStub, project: Project) -> None:
    project.write("os.kill(os.getpid(), 9)")
    assert stub.Run(project.run, timeout=SECONDS).error == "The program was ended by SIGKILL."


def test_a_program_gets_its_stack_and_its_config(stub: language_pb2_grpc.LanguageRuntimeStub, project: Project) -> None:
    project.write("")
    stub.Run(project.run, timeout=SECONDS)
    said = json.loads((project.folder / "said.json").read_text())
    folder = str(project.folder)
    assert said["args"] == [
        *("--monitor", "127.0.0.1:7", "--engine", "127.0.0.1:8"),
        *("--project", "shop", "--stack", "dev", "--organization", "organization"),
        *("--root_directory", folder, "--pwd", folder, "--dry_run", "true", "--parallel", "16"),
        folder,
    ]
    assert said["cwd"] == folder
    assert said["stdin"] == ""
    assert json.loads(said["env"]["PULUMI_CONFIG"]) == {"shop:text": "hello", "shop:password": "hunter2"}
    assert json.loads(said["env"]["PULUMI_CONFIG_SECRET_KEYS"]) == ["shop:password"]
    assert said["env"]["VIRTUAL_ENV"] == str(project.folder / "env")


def test_a_missing_virtual_environment_is_named_with_what_to_do(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Project
) -> None:
    (project.folder / "env" / "bin" / "python").unlink()
    for call, request in (
        (stub.Run, project.run),
        (stub.GetRequiredPackages, language.GetRequiredPackagesRequest(info=project.info)),
        (stub.About, language.AboutRequest(info=project.info)),
    ):
        with pytest.raises(grpc.RpcError) as failure:
            call(request, timeout=SECONDS)
        assert failure.value.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert "run `make setup`" in (failure.value.details() or "")


def test_a_missing_executor_is_named_with_what_to_do(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Project
) -> None:
    (project.folder / "executor.py").unlink()
    with pytest.raises(grpc.RpcError, match=r"executor\.py, which runs programs, isn't there: run `make setup`"):
        stub.Run(project.run, timeout=SECONDS)


def test_a_python_that_cannot_be_started_is_named(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Project
) -> None:
    python = project.folder / "env" / "bin" / "python"
    python.unlink()
    python.write_text("not a program")
    with pytest.raises(grpc.RpcError, match="env/bin/python can't be started"):
        stub.Run(project.run, timeout=SECONDS)


def test_a_plugins_output_and_exit_code_are_passed_on(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Project
) -> None:
    project.write(
        "import os, sys; print('port', *sys.argv[1:]); print(os.environ['GIVEN'], file=sys.stderr); sys.exit(3)"
    )
    answers = list(stub.RunPlugin(project.plugin("resource", "127.0.0.1:8"), timeout=SECONDS))
    assert b"".join(answer.stdout for answer in answers) == b"port 127.0.0.1:8\n"
    assert b"".join(answer.stderr for answer in answers) == b"a=b\n"
    assert answers[-1].exitcode == 3


def test_a_policy_pack_is_run_by_pulumis_own_runner_in_its_folder(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Project
) -> None:
    python = project.folder / "env" / "bin" / "python"
    python.unlink()
    python.write_text('#!/bin/sh\necho "$@"; pwd\n')
    python.chmod(0o755)
    answers = list(stub.RunPlugin(project.plugin("analyzer", "127.0.0.1:8"), timeout=SECONDS))
    assert b"".join(answer.stdout for answer in answers).decode() == (
        f"-u -m pulumi.policy 127.0.0.1:8 {project.folder}\n{project.folder}\n"
    )


def test_a_program_ends_when_its_call_is_cancelled(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Project
) -> None:
    project.write(UNTIL_ENDED.format(first=""))
    pipe = project.pipe()
    call = stub.Run.future(project.run, timeout=SECONDS)
    with pipe.open("rb", buffering=0) as alive:
        assert alive.read(2) == b"up"
        call.cancel()
        assert ended(alive)


def test_a_plugin_ends_when_its_call_is_cancelled_with_all_that_it_started(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Project
) -> None:
    project.write(UNTIL_ENDED.format(first="os.fork()"))
    pipe = project.pipe()
    call = stub.RunPlugin(project.plugin("resource"), timeout=SECONDS)
    with pipe.open("rb", buffering=0) as alive:
        assert alive.read(2) + alive.read(2) == b"upup"
        call.cancel()
        assert ended(alive)


def test_what_does_not_end_when_asked_is_killed(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "GRACE_SECONDS", 0.05)
    project.write(UNTIL_ENDED.format(first="signal.signal(signal.SIGTERM, signal.SIG_IGN)"))
    pipe = project.pipe()
    call = stub.Run.future(project.run, timeout=SECONDS)
    with pipe.open("rb", buffering=0) as alive:
        assert alive.read(2) == b"up"
        stub.Cancel(Empty(), timeout=SECONDS)
        assert ended(alive)
    assert call.result().error == "The program was ended by SIGKILL."


def test_packages_name_the_plugins_that_they_need(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.interpreter._PROBE", f'print(\'{{"version": "3", "paths": ["{project.folder}"]}}\')')
    package = project.folder / "pulumi_cloud"
    package.mkdir()
    (package / "pulumi-plugin.json").write_text('{"resource": true, "name": "cloud", "version": "3.29.0"}')
    answer = stub.GetRequiredPackages(language.GetRequiredPackagesRequest(info=project.info), timeout=SECONDS)
    assert [(one.kind, one.name, one.version) for one in answer.packages] == [("resource", "cloud", "3.29.0")]


def test_about_and_dependencies_describe_the_projects_python(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.folder / "shop-2.0.dist-info").mkdir()
    (project.folder / "shop-2.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 2.0\n")
    monkeypatch.setattr(
        "engine.interpreter._PROBE", f'print(\'{{"version": "3.14.1", "paths": ["{project.folder}"]}}\')'
    )
    about = stub.About(language.AboutRequest(info=project.info), timeout=SECONDS)
    assert (about.executable, about.version) == (str(project.folder / "env" / "bin" / "python"), "3.14.1")
    answer = stub.GetProgramDependencies(language.GetProgramDependenciesRequest(info=project.info), timeout=SECONDS)
    assert [(one.name, one.version) for one in answer.dependencies] == [("shop", "2.0")]


def test_the_rest_of_a_handshake_is_answered(stub: language_pb2_grpc.LanguageRuntimeStub, project: Project) -> None:
    stub.Handshake(language.LanguageHandshakeRequest(engine_address="127.0.0.1:8"), timeout=SECONDS)
    assert stub.GetPluginInfo(Empty(), timeout=SECONDS).version.startswith("3.")
    install = language.InstallDependenciesRequest(info=project.info)
    assert list(stub.InstallDependencies(install, timeout=SECONDS)) == []


def test_what_the_stand_in_does_not_do_is_said_with_where_to_get_it(
    stub: language_pb2_grpc.LanguageRuntimeStub, project: Project
) -> None:
    project.write("")
    debugged = project.run
    debugged.attach_debugger = True
    for call, request in (
        (stub.Run, debugged),
        (stub.GetRequiredPlugins, language.GetRequiredPluginsRequest()),
        (stub.RuntimeOptionsPrompts, language.RuntimeOptionsRequest()),
        (stub.Template, language.TemplateRequest()),
        (stub.GenerateProgram, language.GenerateProgramRequest()),
        (stub.GenerateProject, language.GenerateProjectRequest()),
        (stub.GeneratePackage, language.GeneratePackageRequest()),
        (stub.Pack, language.PackRequest()),
        (stub.Link, language.LinkRequest()),
    ):
        with pytest.raises(grpc.RpcError) as failure:
            call(request, timeout=SECONDS)
        assert failure.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert "install the official Pulumi" in (failure.value.details() or "")


@pytest.fixture
def launched(machine: Machine) -> Iterator[subprocess.Popen[bytes]]:
    """The assembled `pulumi-language-python`, serving, with an engine at the other end of its input."""
    (machine.project / "engine").rename(machine.root / "modules")
    (machine.project / "engine").symlink_to(PROJECT / "engine")
    machine.install("python", f'exec {sys.executable} "$@"', machine.project / ".venv" / "bin")
    for name in BUILT:
        machine.install(name, "exit 0", machine.root / "built")
    launcher = assemble(machine.root / "built", machine.project) / "pulumi-language-python"
    command = [str(launcher), "127.0.0.1:8"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=machine.root, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_a_word(launched: subprocess.Popen[bytes], number: signal.Signals) -> None:
    launched.send_signal(number)
    assert launched.communicate(timeout=SECONDS) == (b"", b"")
    assert launched.returncode == 0


def test_the_end_of_the_engine_ends_it_too(launched: subprocess.Popen[bytes]) -> None:
    assert launched.stdin is not None
    launched.stdin.close()
    assert launched.wait(timeout=SECONDS) == 0
