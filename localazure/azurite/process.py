"""The Azurite process: started, told its accounts, started again when it dies, stopped."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from localazure.arm.storage_backend import Access, Grant
from localazure.errors import LocalAzureError, PortTakenError
from localazure.locks import FileLock
from localazure.state import REPOSITORY, Ports

Accounts = Mapping[str, tuple[str, str]]
"""Account name -> its two keys, base64."""

_HOST_SCRIPT: Final = Path(__file__).with_name("host.cjs")
_PACKAGE: Final = REPOSITORY / "node_modules" / "azurite" / "package.json"
_SECONDS_TO_CLOSE: Final = 15.0


class AzuriteEndedError(LocalAzureError):
    """Azurite has ended by itself, or was killed."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Azurite, the storage emulator, ended with code {code}: see the server's log.")


class AzuriteProcess:
    """Safe to call from several threads; a call returns when what it asks for is in force.

    The process holds `lock` as long as it lives, and ends by itself when this one does.
    """

    def __init__(self, folder: Path, lock: Path, ports: Ports, log: IO[str] | None = None) -> None:
        self._folder = folder
        self._lock = lock
        self._ports = ports
        self._log = log
        self._guard = threading.Lock()
        self._accounts: Accounts = {}
        self._access: Mapping[str, Access] = {}
        # Nobody's, until the key of local Azure's login is known.
        self._token_key = secrets.token_hex(32)
        self._pass = secrets.token_hex(32)
        self._process: subprocess.Popen[str] | None = None
        self._ready = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def pass_header(self) -> dict[str, str]:
        """With this header, which only these two processes know, keys open even an account that takes no keys.

        Local Azure's own access is by key, since azure-data-tables sends no token over http.
        """
        return {"x-localazure-pass": self._pass}

    @property
    def accounts(self) -> Accounts:
        """Those that are served."""
        return self._accounts

    def launch(self) -> None:
        """Start the process without waiting for it: the next call does, and reports what went wrong."""
        with self._guard:
            if self._process is None:
                self._launch()

    def trust(self, token_key: str) -> None:
        """From the next `set_accounts` on, tokens signed with this key are accepted."""
        with self._guard:
            self._token_key = token_key

    def set_accounts(self, accounts: Accounts, access: Mapping[str, Access]) -> None:
        """From now on these accounts and keys are accepted, and no others. Their data isn't touched."""
        with self._guard:
            self._ensure()
            self._ask(self._wish(accounts, access))
            self._accounts, self._access = dict(accounts), dict(access)

    def ensure(self) -> None:
        """Start the process again if it has died."""
        with self._guard:
            self._ensure()

    def save(self) -> None:
        """Write all changes to disk now; by itself Azurite does so every five seconds."""
        with self._guard:
            self._ensure()
            self._ask({"save": True})

    def stop(self) -> None:
        """End the process; its data is on disk afterwards."""
        with self._guard:
            if self._process is None:
                return
            process, self._process, self._ready = self._process, None, False
            _close_pipes(process)
            try:
                process.wait(_SECONDS_TO_CLOSE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise LocalAzureError(
                    f"Azurite didn't end within {_SECONDS_TO_CLOSE:.0f} seconds and was killed: "
                    f"changes of its last seconds may be lost."
                ) from None

    def _ensure(self) -> None:
        if self._ready:
            try:
                self._ask({})
            except AzuriteEndedError:
                self._discard()
            else:
                return
        if self._process is None:
            self._launch()
        try:
            self._ask(self._wish(self._accounts, self._access))
        except LocalAzureError:
            self._discard()
            raise
        self._ready = True

    def _launch(self) -> None:
        node = shutil.which("node")
        if node is None:
            raise LocalAzureError(
                "Node.js isn't on PATH, and Azurite, the storage emulator, needs it: "
                "install Node.js 18 or newer (https://nodejs.org), then run `make setup`."
            )
        if not _PACKAGE.is_file():
            raise LocalAzureError("Azurite, the storage emulator, isn't installed: run `make setup` first.")
        lock = FileLock.wait(self._lock, _SECONDS_TO_CLOSE)
        if lock is None:
            raise LocalAzureError(
                f"An Azurite of an earlier run still holds {self._lock} after {_SECONDS_TO_CLOSE:.0f} seconds: end it "
                f"(a `node … host.cjs` process), then start again."
            )
        try:
            ports = map(str, (self._ports.blob, self._ports.queue, self._ports.table))
            self._process = subprocess.Popen(
                [node, str(_HOST_SCRIPT), str(self._folder), *ports],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                cwd=REPOSITORY,
                # A connection string in the caller's environment would move Azurite's data into a SQL database.
                env={name: value for name, value in os.environ.items() if not name.startswith("AZURITE_")},
                pass_fds=[lock.descriptor],
            )
        finally:
            lock.release()

    def _wish(self, accounts: Accounts, access: Mapping[str, Access]) -> dict[str, Any]:
        told = {name: access.get(name, Access()) for name in accounts}
        return {
            "accounts": accounts,
            "access": {
                name: {"keys": each.keys, "grants": [_grant(one) for one in each.grants]} for name, each in told.items()
            },
            "secrets": {"tokenKey": self._token_key, "pass": self._pass},
        }

    def _ask(self, wish: Mapping[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("Azurite is asked before it was launched")
        # A process that has ended gives no answer, and that is what tells.
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(wish) + "\n")
            process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise AzuriteEndedError(process.wait())
        error = json.loads(line).get("error")
        if error is None:
            return
        if error["code"] == "EADDRINUSE":
            raise PortTakenError(error["port"])
        if error["code"] == "NODE_TOO_OLD":
            raise LocalAzureError(
                f"Azurite, the storage emulator, can't run on this {error['message']}: install it from https://nodejs.org."
            )
        raise LocalAzureError(f"Azurite, the storage emulator, failed: {error['message']} ({error['code']}).")

    def _discard(self) -> None:
        if self._process is not None:
            _close_pipes(self._process)
            self._process.wait()
            self._process, self._ready = None, False


def _grant(grant: Grant) -> dict[str, Any]:
    return {**vars(grant), "permits": sorted(grant.permits)}


def _close_pipes(process: subprocess.Popen[str]) -> None:
    """The end of its standard input is what tells the process to save and end."""
    if process.stdin is not None:
        # A process that died before it read its last line says so here.
        with suppress(BrokenPipeError):
            process.stdin.close()
    if process.stdout is not None:
        process.stdout.close()
