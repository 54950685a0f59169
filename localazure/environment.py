"""What a shell needs so that Pulumi and our own clients work on local Azure: addresses, ids, folders."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import engine
from localazure import identity
from localazure.errors import LocalAzureError
from localazure.state import DEFAULT_ROOT, HOST, REPOSITORY, VARIABLE, Ports, State


@dataclass(frozen=True)
class Endpoints:
    """Where local Azure answers; no address ends with a slash."""

    arm: str
    site: str
    """One port for all sites: a request's Host header says which."""
    blob: str
    queue: str
    table: str

    @classmethod
    def of(cls, ports: Ports) -> Endpoints:
        addresses = {name: f"http://{HOST}:{port}" for name, port in ports.all.items()}
        return cls(site=addresses["arm"], **addresses)


@dataclass(frozen=True)
class Environment:
    state: State
    endpoints: Endpoints
    path: tuple[Path, ...]
    """Folders to put in front of PATH."""

    @classmethod
    def of(cls, state: State) -> Environment:
        """Reads files only: whether local Azure runs makes no difference, and nothing is started."""
        path = (*_engine_folder(), REPOSITORY / ".venv" / "bin")
        return cls(state, Endpoints.of(state.ports()), path)

    @property
    def variables(self) -> dict[str, str]:
        variables = {
            "ARM_METADATA_HOSTNAME": self.endpoints.arm,
            "ARM_SUBSCRIPTION_ID": identity.SUBSCRIPTION_ID,
            "ARM_TENANT_ID": identity.TENANT_ID,
            "ARM_CLIENT_ID": identity.CLIENT_ID,
            "ARM_CLIENT_SECRET": identity.CLIENT_SECRET,
            "PULUMI_HOME": str(self.state.pulumi_home),
            "PULUMI_BACKEND_URL": self.state.backend.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
            # A login would ask the system's keyring otherwise, and warn where there is none.
            "PULUMI_CREDENTIAL_STORE": "plaintext",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        if self.state.root != DEFAULT_ROOT:
            variables[VARIABLE] = str(self.state.root)
        return variables | proxy_exceptions(os.environ)

    def exports(self) -> str:
        """Lines for a POSIX shell's `eval`."""
        lines = [f"export {name}={shlex.quote(value)}" for name, value in self.variables.items()]
        return "\n".join([*lines, f'export PATH={shlex.quote(os.pathsep.join(map(str, self.path)))}:"$PATH"'])

    def as_json(self) -> dict[str, Any]:
        return {
            **{f"{name}_endpoint": address for name, address in vars(self.endpoints).items()},
            "subscription_id": identity.SUBSCRIPTION_ID,
            "tenant_id": identity.TENANT_ID,
            "client_id": identity.CLIENT_ID,
            "pulumi_home": str(self.state.pulumi_home),
            "backend_url": self.variables["PULUMI_BACKEND_URL"],
            "state": str(self.state.root),
            "path": [str(folder) for folder in self.path],
            "environment": self.variables,
        }


def proxy_exceptions(environ: Mapping[str, str]) -> dict[str, str]:
    """NO_PROXY with loopback in it, where a proxy is set: clients would ask the proxy for local Azure otherwise."""
    if not any(environ.get(name) for proxy in ("http_proxy", "all_proxy") for name in (proxy, proxy.upper())):
        return {}
    known = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    hosts = [host for host in known.split(",") if host]
    value = ",".join([*hosts, *(host for host in (HOST, "localhost") if host not in hosts)])
    return {"NO_PROXY": value, "no_proxy": value}


def _engine_folder() -> tuple[Path, ...]:
    try:
        found = engine.locate()
    except engine.EngineError as error:
        raise LocalAzureError(str(error)) from error
    return (found.bin,) if found else ()
