"""Where local Azure keeps what it knows: the layout of its state folder, and the ports that it listens on."""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localazure.errors import LocalAzureError

REPOSITORY: Final = Path(__file__).resolve().parents[1]
DEFAULT_ROOT: Final = REPOSITORY / ".localazure"
VARIABLE: Final = "LOCALAZURE_STATE"
HOST: Final = "127.0.0.1"
"""The secret of local Azure's one client is known to everybody, so it never listens on anything but loopback."""

# Below the ranges from which Linux (32768) and macOS (49152) take the local ports of outgoing connections:
# a port that is free while local Azure is stopped stays free.
_FREE_RANGE: Final = range(15_000, 32_000)


@dataclass(frozen=True)
class Ports:
    """Four ports in a row, named by the first: ARM and the sites, then blob, queue and table."""

    arm: int = 10400

    def __post_init__(self) -> None:
        if not 1 <= self.arm <= 65_532:
            raise LocalAzureError(
                f"Port {self.arm} can't be used: name one from 1 to 65532 (three more follow it), or 0."
            )

    @property
    def blob(self) -> int:
        return self.arm + 1

    @property
    def queue(self) -> int:
        return self.arm + 2

    @property
    def table(self) -> int:
        return self.arm + 3

    @property
    def all(self) -> dict[str, int]:
        return {"arm": self.arm, "blob": self.blob, "queue": self.queue, "table": self.table}

    def taken(self) -> int | None:
        """The first of the ports on which somebody listens now."""
        return next((port for port in self.all.values() if not _is_free(port)), None)

    @classmethod
    def free(cls) -> Ports:
        """Ports on which nobody listens now."""
        while True:
            ports = cls(random.choice(_FREE_RANGE))  # noqa: S311
            if ports.taken() is None:
                return ports


def _is_free(port: int) -> bool:
    try:
        listen(port).close()
    except OSError:
        return False
    return True


def listen(port: int) -> socket.socket:
    """A listening socket on loopback. Raises OSError when somebody else has the port."""
    # asyncio switches Nagle's algorithm off (40 ms on each answer) only for connections that name their protocol.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Connections that the last server left in TIME_WAIT don't hold the port; a listener does.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, port))
        sock.listen(512)
    except OSError:
        sock.close()
        raise
    return sock


@dataclass(frozen=True)
class Server:
    """The server that ran last on a state folder; its lock tells whether it still runs."""

    pid: int
    ports: Ports


@dataclass(frozen=True)
class State:
    """A state folder; nothing in it exists before the first start."""

    root: Path

    @classmethod
    def locate(cls, option: Path | None = None, environ: Mapping[str, str] = os.environ) -> State:
        """The folder that the option names, else the one that LOCALAZURE_STATE names, else the repository's own."""
        chosen = option or (Path(environ[VARIABLE]) if environ.get(VARIABLE) else DEFAULT_ROOT)
        return cls(chosen.expanduser().resolve())

    @property
    def database(self) -> Path:
        """ARM's resources, operations and events."""
        return self.root / "arm.sqlite"

    @property
    def azurite(self) -> Path:
        """Blobs, queues and tables."""
        return self.root / "azurite"

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME, with the stand-in provider in its plugin cache."""
        return self.root / "pulumi"

    @property
    def backend(self) -> Path:
        """Pulumi's state."""
        return self.root / "backend"

    @property
    def functions(self) -> Path:
        """Unpacked packages, and the logs of the workers that run them."""
        return self.root / "functions"

    @property
    def log(self) -> Path:
        return self.root / "server.log"

    @property
    def server(self) -> Path:
        return self.root / "server.json"

    @property
    def control_lock(self) -> Path:
        """Held by a command that starts, stops or resets."""
        return self.root / "control.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the server as long as it lives."""
        return self.root / "server.lock"

    @property
    def azurite_lock(self) -> Path:
        """Held by Azurite as long as it lives, which is a little longer than a server that was killed."""
        return self.root / "azurite.lock"

    def last_server(self) -> Server | None:
        try:
            text = self.server.read_text()
        except FileNotFoundError:
            return None
        try:
            known = json.loads(text)
            return Server(int(known["pid"]), Ports(int(known["ports"]["arm"])))
        except (ValueError, KeyError, TypeError) as error:
            raise LocalAzureError(
                f"{self.server} can't be read ({error}). Delete it; local Azure then starts on its default ports."
            ) from error

    def remember(self, server: Server) -> None:
        new = self.server.with_suffix(".new")
        new.write_text(json.dumps({"pid": server.pid, "ports": server.ports.all}) + "\n")
        new.replace(self.server)

    def ports(self) -> Ports:
        """The ports of the last server; the default ones before the first."""
        last = self.last_server()
        return last.ports if last else Ports()
