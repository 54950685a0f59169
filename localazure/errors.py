"""What can go wrong with local Azure in a way that a person can mend."""

from __future__ import annotations


class LocalAzureError(Exception):
    """Its text says what was seen and what to do; the command line prints it and exits with 1."""


class PortTakenError(LocalAzureError):
    """Another program listens on a port that local Azure needs."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} is in use by another program. Stop that program, or give local Azure other ports: "
            f"`--port N` takes N to N+3, `--port 0` takes free ones."
        )
        self.port = port
