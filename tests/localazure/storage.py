"""A storage backend that keeps everything in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from localazure.arm.storage_backend import Access
from tests.localazure.hubs.memory import MemoryHubStorage

EMPTY_ZIP = b"PK\x05\x06" + bytes(18)
"""A package with nothing in it."""


@dataclass
class MemoryStorage:
    """Accounts with containers, and the blobs that a test puts there by URL; a wrong key is a PermissionError."""

    accounts: dict[str, tuple[str, str]] = field(default_factory=dict)
    containers: dict[str, set[str]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    hubs: MemoryHubStorage = field(default_factory=MemoryHubStorage)
    port: int = 10401
    access: dict[str, Access] = field(default_factory=dict)
    token_key: str | None = None

    def trust(self, token_key: str) -> None:
        self.token_key = token_key

    def set_accounts(self, accounts: Mapping[str, tuple[str, str]], access: Mapping[str, Access] | None = None) -> None:
        self.accounts, self.access = dict(accounts), dict(access or {})

    def endpoints(self, account: str) -> Mapping[str, str]:
        ports = {"blob": self.port, "queue": self.port + 1, "table": self.port + 2}
        return {service: f"http://127.0.0.1:{port}/{account}/" for service, port in ports.items()}

    def create_container(self, account: str, key: str, name: str) -> None:
        self._open(account, key).add(name)

    def delete_container(self, account: str, key: str, name: str) -> None:
        self._open(account, key).discard(name)
        self.blobs = {
            url: content
            for url, content in self.blobs.items()
            if not urlsplit(url).path.startswith(f"/{account}/{name}/")
        }

    def list_containers(self, account: str, key: str) -> list[str]:
        return sorted(self._open(account, key))

    def wipe(self, account: str, key: str) -> None:
        self._open(account, key).clear()
        self.blobs = {
            url: content for url, content in self.blobs.items() if not urlsplit(url).path.startswith(f"/{account}/")
        }

    def read_blob(self, url: str, key: str) -> bytes | None:
        self._open(urlsplit(url).path.split("/")[1], key)
        return self.blobs.get(url)

    def put_blob(self, account: str, container: str, name: str, content: bytes = EMPTY_ZIP) -> str:
        """A new blob's URL."""
        url = f"{self.endpoints(account)['blob']}{container}/{name}"
        self.blobs[url] = content
        return url

    def _forget(self, path: str) -> None:
        self.blobs = {url: content for url, content in self.blobs.items() if not urlsplit(url).path.startswith(path)}

    def _open(self, account: str, key: str) -> set[str]:
        if key not in self.accounts.get(account, ()):
            raise PermissionError(f"the account {account} isn't served, or not with this key")
        return self.containers.setdefault(account, set())
