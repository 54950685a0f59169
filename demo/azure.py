"""What the demo plays on: a local Azure, a copy of the program, and a shop that takes orders."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from localazure.identity import HEADERS, SUBSCRIPTION_ID

REPOSITORY = Path(__file__).resolve().parents[1]
STACK = "demo"
SITE = "orders-demo"
HUB = "OrdersHub"
CONFIG = f"""config:
  azure-native:location: westeurope
  durable-zero-downtime:site: {SITE}
  durable-zero-downtime:taskHub: {HUB}
  durable-zero-downtime:gate: {{timeout: 120, steady: 0.5, poll: 0.25}}
  durable-zero-downtime:protectStores: "false"
  durable-zero-downtime:access: keys
"""
_HOST: Final = f"{SITE}.azurewebsites.localhost"
_API_VERSION: Final = "2024-04-01"
_CALL: Final[dict[str, Any]] = {"timeout": 60, "trust_env": False}
_PROGRAM = ("Pulumi.yaml", "__main__.py", "components", "durable", "release")


@contextmanager
def local_azure(place: Path) -> Iterator[None]:
    """Start one on free ports with its state below a folder, and let this process and those it starts use it."""
    state = ("--state", str(place / "azure"))
    _localazure("start", "--port", "0", *state)
    before = dict(os.environ)
    try:
        found = json.loads(_localazure("env", "--json", *state))
        os.environ.update(found["environment"])
        os.environ["PATH"] = os.pathsep.join([*found["path"], os.environ["PATH"]])
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        _localazure("stop", *state)


def program(place: Path) -> Path:
    """A copy of the program with a stack of its own, so that no file of the repository is changed."""
    folder = place / "program"
    folder.mkdir()
    for name in _PROGRAM:
        source = REPOSITORY / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    _make_stack(folder)
    with (folder / f"Pulumi.{STACK}.yaml").open("a") as file:
        file.write(CONFIG)
    return folder


def careless_program(place: Path) -> Path:
    """A copy of the program that the policy pack refuses, with a stack of its own."""
    folder = Path(shutil.copytree(REPOSITORY / "demo" / "careless", place / "careless"))
    _make_stack(folder)
    return folder


def _make_stack(folder: Path) -> None:
    (folder / ".venv").symlink_to(REPOSITORY / ".venv")
    init = ["pulumi", "stack", "init", STACK, "--non-interactive", "--no-select"]
    subprocess.run(init, cwd=folder, check=True, capture_output=True)


def _localazure(*args: str) -> str:
    command = [sys.executable, "-m", "localazure", *args]
    return subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout


class Shop:
    """The sample app in production as customers and clerks use it: by its host name, and the URLs that it gives."""

    def __init__(self) -> None:
        self._azure = os.environ["ARM_METADATA_HOSTNAME"]
        self._events: dict[str, str] = {}

    def order(self, total: float) -> str:
        """Order something that is dear enough to wait for an approval; gives the orchestration's id."""
        body = {"item": "lamp", "quantity": 1, "total": total}
        headers = {"Host": _HOST, "x-functions-key": self._key()}
        links = _answered(httpx.post(f"{self._azure}/api/orders", json=body, headers=headers, **_CALL)).json()
        self._events[links["id"]] = links["sendEventPostUri"].replace("{eventName}", "Approval")
        return str(links["id"])

    def approve(self, order: str) -> None:
        """Raise the event that an order waits for, at the URL that the app has handed out."""
        url = urlsplit(self._events[order])
        target = f"{self._azure}{url.path}?{url.query}"
        _answered(httpx.post(target, json=True, headers={"Host": url.netloc}, **_CALL))

    def _key(self) -> str:
        site = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{SITE}-rg/providers/Microsoft.Web/sites/{SITE}"
        url = f"{self._azure}{site}/host/default/listkeys"
        keys = _answered(httpx.post(url, params={"api-version": _API_VERSION}, headers=HEADERS, **_CALL)).json()
        return str(keys["functionKeys"]["default"])


def _answered(answer: httpx.Response) -> httpx.Response:
    answer.raise_for_status()
    return answer
