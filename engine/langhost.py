"""The stand-in for `pulumi-language-python`, used with the built engine only.

The engine starts it with its own address as the last argument, reads the port from the first line of its output, and
calls `pulumirpc.LanguageRuntime` there. Import this after `engine.protos.load()` to start in a fifth of a second.
"""

# ruff: noqa: ARG002, N802 - the methods' names and arguments are the protocol's

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2 as language
from pulumi.runtime.proto import language_pb2_grpc, plugin_pb2

from engine.assemble import EXECUTOR, PROJECT, folder_of
from engine.children import Children, Stream, output
from engine.interpreter import Installed, Interpreter, InterpreterError, Plugin
from engine.versions import Pin

SHOWN_TO_USER = 32
"""The executor's exit code once it has shown the error itself; the engine then says no more."""

_PLUGIN_VIRTUALENV = "venv"
"""Where a provider written in Python has its environment if it doesn't say."""

_MAX_CALLS = 100
"""Each policy pack and each plugin in Python keeps a call open as long as it runs."""

_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs programs, policy packs and plugins written in Python, as the engine asks for them.

    `engine` is the engine's address, `executor` Pulumi's own script that runs a program: a file of the SDK's Go
    module, beside the engine.
    """

    def __init__(self, engine: str, executor: Path) -> None:
        self._engine = engine
        self._executor = executor
        self._children = Children()

    def close(self) -> None:
        """End all that runs, and return when it has ended."""
        self._children.end()
        self._children.join()

    def Handshake(
        self, request: language.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language.LanguageHandshakeResponse:
        return language.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=str(Pin.read(PROJECT / "engine" / "go.mod").pulumi))

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        self._children.end()
        return Empty()

    def Run(self, request: language.RunRequest, context: grpc.ServicerContext) -> language.RunResponse:
        """Run a program; its output is this process's, which the engine shows."""
        interpreter = _interpreter(request.info, context)
        if request.attach_debugger:
            _refuse(context, "attaching a debugger to a program")
        if not self._executor.exists():
            context.abort(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"{self._executor}, which runs programs, isn't there: run `make setup` to have it put back.",
            )
        arguments = [
            *(str(self._executor), "--monitor", request.monitor_address, "--engine", self._engine),
            *("--project", request.project, "--stack", request.stack, "--organization", request.organization),
            *("--root_directory", request.info.root_directory, "--pwd", request.pwd),
            *("--dry_run", "true" if request.dryRun else "false", "--parallel", str(request.parallel)),
            str(Path(request.info.program_directory, request.info.entry_point)),
            *request.args,
        ]
        environ = {
            **os.environ,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        child = self._start(context, interpreter, arguments, cwd=Path(request.pwd), environ=environ)
        code = child.wait()
        if code == SHOWN_TO_USER:
            return language.RunResponse(bail=True)
        return language.RunResponse(error=_ending(code) if code else "")

    def RunPlugin(
        self, request: language.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language.RunPluginResponse]:
        """Run a policy pack (kind `analyzer`) or a provider; pass on what it prints, then its exit code."""
        if request.attach_debugger:
            _refuse(context, "attaching a debugger to a plugin")
        program = request.info.program_directory
        if request.kind == "analyzer":
            interpreter = _interpreter(request.info, context)
            arguments = ["-m", "pulumi.policy", *request.args, program]
            cwd = Path(program)
        else:
            interpreter = _interpreter(request.info, context, _PLUGIN_VIRTUALENV)
            arguments = [program, *request.args]
            cwd = Path(request.pwd)
        environ = dict(variable.split("=", 1) for variable in request.env)
        child = self._start(context, interpreter, arguments, cwd=cwd, environ=environ, piped=True)
        for stream, chunk in output(child):
            match stream:
                case Stream.OUT:
                    yield language.RunPluginResponse(stdout=chunk)
                case Stream.ERR:
                    yield language.RunPluginResponse(stderr=chunk)
        yield language.RunPluginResponse(exitcode=child.wait())

    def _start(
        self,
        context: grpc.ServicerContext,
        interpreter: Interpreter,
        arguments: list[str],
        *,
        cwd: Path,
        environ: Mapping[str, str],
        piped: bool = False,
    ) -> subprocess.Popen[bytes]:
        command = [str(interpreter.python), "-u", *arguments]
        try:
            return self._children.start(context, command, cwd=cwd, environ=interpreter.environ(environ), piped=piped)
        except OSError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"{interpreter.python} can't be started: {error}.")

    def GetRequiredPackages(
        self, request: language.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language.GetRequiredPackagesResponse:
        plugins = _installed(_interpreter(request.info, context), context).plugins()
        return language.GetRequiredPackagesResponse(packages=[_package(plugin) for plugin in plugins])

    def GetProgramDependencies(
        self, request: language.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language.GetProgramDependenciesResponse:
        installed = _installed(_interpreter(request.info, context), context)
        packages = installed.packages(transitive=request.transitiveDependencies)
        return language.GetProgramDependenciesResponse(
            dependencies=[language.DependencyInfo(name=name, version=packages[name]) for name in sorted(packages)]
        )

    def About(self, request: language.AboutRequest, context: grpc.ServicerContext) -> language.AboutResponse:
        interpreter = _interpreter(request.info, context)
        return language.AboutResponse(
            executable=str(interpreter.python), version=_installed(interpreter, context).version
        )

    def InstallDependencies(
        self, request: language.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language.InstallDependenciesResponse]:
        """Nothing is installed from here: `make setup` does that. Says so if there is no environment yet."""
        _interpreter(request.info, context)
        yield from ()

    def GetRequiredPlugins(
        self, request: language.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> language.GetRequiredPluginsResponse:
        _refuse(context, "listing plugins rather than packages")

    def RuntimeOptionsPrompts(
        self, request: language.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> language.RuntimeOptionsResponse:
        _refuse(context, "asking for runtime options")

    def Template(self, request: language.TemplateRequest, context: grpc.ServicerContext) -> language.TemplateResponse:
        _refuse(context, "making a project from a template")

    def GenerateProgram(
        self, request: language.GenerateProgramRequest, context: grpc.ServicerContext
    ) -> language.GenerateProgramResponse:
        _refuse(context, "generating programs (an import is done without it, too: `--generate-code=false`)")

    def GenerateProject(
        self, request: language.GenerateProjectRequest, context: grpc.ServicerContext
    ) -> language.GenerateProjectResponse:
        _refuse(context, "generating projects")

    def GeneratePackage(
        self, request: language.GeneratePackageRequest, context: grpc.ServicerContext
    ) -> language.GeneratePackageResponse:
        _refuse(context, "generating packages")

    def Pack(self, request: language.PackRequest, context: grpc.ServicerContext) -> language.PackResponse:
        _refuse(context, "packing packages")

    def Link(self, request: language.LinkRequest, context: grpc.ServicerContext) -> language.LinkResponse:
        _refuse(context, "linking local packages")


def _refuse(context: grpc.ServicerContext, what: str) -> NoReturn:
    context.abort(
        grpc.StatusCode.UNIMPLEMENTED,
        f"The Python language host of this built engine doesn't do {what}: "
        "install the official Pulumi for that (https://www.pulumi.com/docs/install/).",
    )


def _interpreter(
    info: language.ProgramInfo, context: grpc.ServicerContext, virtualenv: str | None = None
) -> Interpreter:
    """The Python for a program or a pack; a call that has none ends here, with the reason."""
    try:
        return Interpreter.of(dict(info.options), Path(info.root_directory), virtualenv)
    except InterpreterError as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))


def _installed(interpreter: Interpreter, context: grpc.ServicerContext) -> Installed:
    try:
        return interpreter.installed()
    except InterpreterError as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))


def _package(plugin: Plugin) -> plugin_pb2.PackageDependency:
    parameterization = None
    if plugin.parameterization:
        name, version, value = plugin.parameterization
        parameterization = plugin_pb2.PackageParameterization(name=name, version=version, value=value)
    return plugin_pb2.PackageDependency(
        name=plugin.name,
        kind="resource",
        version=plugin.version,
        server=plugin.server,
        parameterization=parameterization,
    )


def _ending(code: int) -> str:
    if code < 0:
        return f"The program was ended by {signal.Signals(-code).name}."
    return f"Program exited with non-zero exit code: {code}"  # the official host's words


def main() -> NoReturn:
    """Serve until SIGINT or SIGTERM, or until the engine is gone, however it went."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_watch_engine, args=(stop,), daemon=True).start()
    host = LanguageHost(engine=sys.argv[-1], executor=folder_of(PROJECT) / EXECUTOR)
    server = grpc.server(ThreadPoolExecutor(max_workers=_MAX_CALLS), options=_UNLIMITED)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    stop.wait()
    host.close()
    server.stop(grace=None)
    os._exit(0)  # all that ran has ended: there is nothing to wait for in gRPC's threads


def _watch_engine(stop: threading.Event) -> None:
    """The engine holds the other end of standard input as long as it lives, and writes nothing."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()
