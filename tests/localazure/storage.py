"""A storage backend that keeps everything in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from localazure.arm.storage_backend import Access


@dataclass
class MemoryStorage:
    """Accounts with containers, and the blobs that a test puts there by URL; a wrong key is a PermissionError."""

    accounts: dict[str, tuple[str, str]] = field(default_factory=dict)
    containers: dict[str, set[str]] = field(default_factory=dict)
    blobs: set[str] = field(default_factory=set)
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
        self.blobs = {url for url in self.blobs if not urlsplit(url).path.startswith(f"/{account}/{name}/")}

    def list_containers(self, account: str, key: str) -> list[str]:
        return sorted(self._open(account, key))

    def wipe(self, account: str, key: str) -> None:
        self._open(account, key).clear()
        self.blobs = {url for url in self.blobs if not urlsplit(url).path.startswith(f"/{account}/")}

    def blob_exists(self, url: str, key: str) -> bool:
        self._open(urlsplit(url).path.split("/")[1], key)
        return url in self.blobs

    def put_blob(self, account: str, container: str, name: str) -> str:
        """A new blob's URL."""
        url = f"{self.endpoints(account)['blob']}{container}/{name}"
        self.blobs.add(url)
        return url

    def _open(self, account: str, key: str) -> set[str]:
        if key not in self.accounts.get(account, ()):
            raise PermissionError(f"the account {account} isn't served, or not with this key")
        return self.containers.setdefault(account, set())
