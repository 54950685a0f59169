"""A storage backend that holds up a swap for as long as a test wants."""

from __future__ import annotations

import threading

from tests.localazure.conftest import Arm
from tests.localazure.storage import MemoryStorage

PACKAGE = "b" * 64


class HeldStorage(MemoryStorage):
    """Storage in which packages can't be read before `free` is set; the warm-up of a swap waits for that."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()

    def read_blob(self, url: str, key: str) -> bytes | None:
        assert self.free.wait(30)
        return super().read_blob(url, key)


def hold_next_swap(arm: Arm, storage: HeldStorage) -> None:
    """Give the staging slot of `shop` a package that the next swap has to wait for."""
    arm.make_account("packages")
    url = storage.put_blob("packages", "zips", f"{PACKAGE}.zip")
    arm.put_settings({**arm.settings(slot="staging"), "WEBSITE_RUN_FROM_PACKAGE": f"{url}?sig=x"}, slot="staging")
