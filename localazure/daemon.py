"""Start, stop and reset the server of a state folder, safely from several shells at once."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from localazure.environment import proxy_exceptions
from localazure.errors import LocalAzureError, PortTakenError
from localazure.locks import FileLock, is_held
from localazure.state import REPOSITORY, Ports, Server, State

_SECONDS_FOR_ANOTHER_COMMAND: Final = 120.0
_SECONDS_TO_START: Final = 60.0
_SECONDS_TO_STOP: Final = 20.0
_SECONDS_OF_A_PROBE: Final = 0.2
"""`is_held` takes a lock for a moment; a server holds it for good."""
_ATTEMPTS_WITH_FREE_PORTS: Final = 5
_LINES_OF_LOG: Final = 15


@dataclass(frozen=True)
class Started:
    ports: Ports
    already: bool
    """It ran before; nothing was done."""


@dataclass(frozen=True)
class Reset:
    removed: tuple[Path, ...]
    restarted: Started | None
    """It ran before, so it was started again on the same ports."""


def running(state: State) -> Server | None:
    """The server that runs now; None while one is still starting."""
    return state.last_server() if is_held(state.server_lock) else None


def start(state: State, port: int | None = None) -> Started:
    """Start the server and return when every port answers.

    Without a port: on those of the last time, else the default ones. Port 0: on those of the last time if they are
    still free, else on any free ones. Raises LocalAzureError, nothing having been started.
    """
    with _control(state):
        return _start(state, port)


def stop(state: State) -> bool:
    """Stop the server, its data being on disk afterwards. False if none ran."""
    with _control(state):
        return _stop(state)


def reset(state: State) -> Reset:
    """Forget all resources, all data and Pulumi's stacks; keep the ports and the provider."""
    with _control(state):
        last = running(state)
        _stop(state)
        removed = tuple(path for path in _memory(state) if path.exists())
        for path in removed:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        return Reset(removed, _start(state, last.ports.arm) if last else None)


def _memory(state: State) -> Iterator[Path]:
    for suffix in ("", "-wal", "-shm"):
        yield state.database.with_name(state.database.name + suffix)
    yield state.azurite
    yield state.backend
    yield state.functions
    # The stack that each project has selected.
    yield state.pulumi_home / "workspaces"
    yield state.log


@contextmanager
def _control(state: State) -> Iterator[None]:
    lock = FileLock.wait(state.control_lock, _SECONDS_FOR_ANOTHER_COMMAND)
    if lock is None:
        raise LocalAzureError(
            f"Another `python -m localazure` command has been at work on {state.root} for "
            f"{_SECONDS_FOR_ANOTHER_COMMAND:.0f} seconds: wait for it, or end it, then try again."
        )
    try:
        yield
    finally:
        lock.release()


def _start(state: State, port: int | None) -> Started:
    from localazure.provider.install import install

    lock = FileLock.wait(state.server_lock, _SECONDS_OF_A_PROBE)
    if lock is None:
        ports = state.ports()
        if port not in (None, 0, ports.arm):
            raise LocalAzureError(
                f"Local Azure runs already, on port {ports.arm}: "
                f"stop it first (`python -m localazure stop`) to give it port {port}."
            )
        install(state.pulumi_home)
        return Started(ports, already=True)
    try:
        state.backend.mkdir(parents=True, exist_ok=True)
        return Started(_launch_on(state, port, lock), already=False)
    finally:
        lock.release()


def _launch_on(state: State, port: int | None, lock: FileLock) -> Ports:
    if port != 0:
        ports = state.ports() if port is None else Ports(port)
        _launch(state, ports, lock)
        return ports
    last = state.last_server()
    ports = last.ports if last else Ports.free()
    for _ in range(_ATTEMPTS_WITH_FREE_PORTS - 1):
        try:
            _launch(state, ports, lock)
        except PortTakenError:
            ports = Ports.free()
        else:
            return ports
    _launch(state, ports, lock)
    return ports


def _launch(state: State, ports: Ports, lock: FileLock) -> None:
    from localazure.provider.install import install

    reader, writer = os.pipe()
    with os.fdopen(reader) as answers, state.log.open("a") as log:
        before = log.tell()
        try:
            options = {"state": state.root, "port": ports.arm, "report": writer, "lock": lock.descriptor}
            process = subprocess.Popen(
                [sys.executable, "-m", "localazure.server", *(f"--{name}={value}" for name, value in options.items())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=REPOSITORY,
                env={**os.environ, **proxy_exceptions(os.environ)},
                pass_fds=[writer, lock.descriptor],
                # Ctrl-C in the shell, or its end, is not for the server.
                start_new_session=True,
            )
        finally:
            os.close(writer)
        try:
            install(state.pulumi_home)
            if not select.select([answers], [], [], _SECONDS_TO_START)[0]:
                raise LocalAzureError(
                    f"Local Azure wasn't ready within {_SECONDS_TO_START:.0f} seconds: see {state.log}"
                )
            _raise_what_it_says(answers.read(), state.log, before)
        except BaseException:
            _end(process)
            raise
    # The server outlives this command, and nobody is to wait for it.
    process.returncode = 0


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _raise_what_it_says(text: str, log: Path, before: int) -> None:
    if not text:
        lines = log.read_bytes()[before:].decode(errors="replace").splitlines()[-_LINES_OF_LOG:]
        raise LocalAzureError("\n".join([f"Local Azure ended while it started. The end of {log}:", *lines]))
    answer: dict[str, Any] = json.loads(text)
    if "port" in answer:
        raise PortTakenError(answer["port"])
    if "error" in answer:
        raise LocalAzureError(answer["error"])


def _stop(state: State) -> bool:
    # More than a look: the process id of a server that ended may be another program's by now.
    if _is_released(state.server_lock, _SECONDS_OF_A_PROBE):
        return False
    server = state.last_server()
    if server is None:
        raise LocalAzureError(
            f"A server holds {state.server_lock}, but {state.server} doesn't say which process it is: end it by hand "
            f"(a `python -m localazure.server` process)."
        )
    os.kill(server.pid, signal.SIGTERM)
    if not _is_released(state.server_lock, _SECONDS_TO_STOP):
        os.kill(server.pid, signal.SIGKILL)
    # Azurite writes its data before it ends, be it stopped or left alone.
    for lock in (state.server_lock, state.azurite_lock):
        if not _is_released(lock, _SECONDS_TO_STOP):
            raise LocalAzureError(
                f"Local Azure (process {server.pid}) doesn't end: {lock} is still held. See {state.log}."
            )
    return True


def _is_released(path: Path, seconds: float) -> bool:
    lock = FileLock.wait(path, seconds)
    if lock is None:
        return False
    lock.release()
    return True
