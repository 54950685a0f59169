"""The server process: ARM and the sites on one port, Azurite as its child. daemon.py starts it, detached."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from localazure.azurite.process import AzuriteProcess
from localazure.azurite.storage import AzuriteStorage
from localazure.environment import Endpoints
from localazure.errors import LocalAzureError, PortTakenError
from localazure.state import Ports, Server, State, listen

if TYPE_CHECKING:
    from localazure.app import LocalAzure

_SECONDS_FOR_OPEN_REQUESTS = 2


def serve(state: State, ports: Ports, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM; `ready` is called once, when every port answers."""
    listener = _listen(ports.arm)
    azurite = AzuriteProcess(state.azurite, state.azurite_lock, ports, sys.stderr)
    # Azurite takes about as long to start as Python takes to import the rest.
    azurite.launch()
    try:
        from localazure.app import create_app

        azurite.ensure()
        endpoints = Endpoints.of(ports)
        storage = AzuriteStorage(azurite, endpoints)

        def prepared() -> None:
            ready()
            threading.Thread(target=storage.load, name="load-storage-clients", daemon=True).start()

        app = create_app(state.database, base_url=endpoints.arm, storage=storage, folder=state.functions)
        try:
            _run(app, listener, prepared)
        finally:
            storage.close()
    finally:
        azurite.stop()


def _listen(port: int) -> socket.socket:
    try:
        return listen(port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(port) from error
        raise LocalAzureError(
            f"Local Azure can't listen on port {port}: {error.strerror}. `--port N` takes another."
        ) from error


def _run(app: LocalAzure, listener: socket.socket, ready: Callable[[], None]) -> None:
    import uvicorn

    class Announced(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            app.interrupt()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SECONDS_FOR_OPEN_REQUESTS,
    )
    Announced(config).run([listener])


def main() -> None:
    parser = ArgumentParser(prog="python -m localazure.server")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--report", type=int, required=True, help="descriptor that hears {} when ready, or an error")
    parser.add_argument("--lock", type=int, required=True, help="descriptor that holds the server's lock")
    args = parser.parse_args()
    state, ports = State(args.state), Ports(args.port)
    for descriptor in (args.lock, args.report):
        os.set_inheritable(descriptor, False)
    pipe = os.fdopen(args.report, "w")

    def report(**answer: str | int) -> None:
        # Whoever started this server may have gone since.
        with suppress(BrokenPipeError), pipe:
            json.dump(answer, pipe)

    def ready() -> None:
        state.remember(Server(os.getpid(), ports))
        report()

    # uvicorn ends in order on a signal, then raises it again for the handler that was there before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        serve(state, ports, ready)
    except LocalAzureError as error:
        if not pipe.closed:
            report(error=str(error), **({"port": error.port} if isinstance(error, PortTakenError) else {}))
        sys.exit(str(error))


if __name__ == "__main__":
    main()
