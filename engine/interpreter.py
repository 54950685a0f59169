"""Which Python runs a program or a plugin, and what is installed in it."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_PROBE = """
import json, platform, sysconfig
paths = sorted({sysconfig.get_path(name) for name in ("purelib", "platlib")})
print(json.dumps({"version": platform.python_version(), "paths": paths}))
"""


class InterpreterError(Exception):
    """There is no Python to run with, or the options ask for what the stand-in can't do."""


@dataclass(frozen=True)
class Plugin:
    """What a package's pulumi-plugin.json says: the provider it needs, and what that is parameterised with."""

    name: str
    version: str
    server: str
    parameterization: tuple[str, str, bytes] | None
    """Name, version and value."""


@dataclass(frozen=True)
class Interpreter:
    """A Python command, and the virtual environment it belongs to, if the runtime options name one."""

    python: Path
    virtualenv: Path | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any], root: Path, virtualenv: str | None = None) -> Self:
        """The Python that the `runtime.options` of a Pulumi.yaml, PulumiPolicy.yaml or PulumiPlugin.yaml ask for.

        `root` is the folder of that file, `virtualenv` the name that holds where the options have none. Raises
        InterpreterError.
        """
        if typechecker := options.get("typechecker"):
            raise InterpreterError(
                f"The runtime option `typechecker: {typechecker}` of {root} needs the official Pulumi: install it "
                "(https://www.pulumi.com/docs/install/), or take the option out."
            )
        named = options.get("virtualenv") or virtualenv
        if named:
            return cls._in(root / str(named))
        toolchain = options.get("toolchain", "pip")
        if toolchain != "pip":
            raise InterpreterError(
                f"The runtime option `toolchain: {toolchain}` of {root} needs the official Pulumi: install it "
                "(https://www.pulumi.com/docs/install/), or name the environment with the option `virtualenv`."
            )
        command = os.environ.get("PULUMI_PYTHON_CMD") or "python3"
        python = shutil.which(command)
        if python is None:
            raise InterpreterError(f"There is no `{command}` on PATH to run {root} with: install Python 3.11 or newer.")
        return cls(Path(python))

    @classmethod
    def _in(cls, virtualenv: Path) -> Self:
        python = virtualenv / "bin" / "python"
        if not python.exists():
            raise InterpreterError(
                f"There is no Python in {virtualenv}, the virtual environment that the runtime options name: "
                f"run `make setup`, or make it with `python3 -m venv {virtualenv}`."
            )
        return cls(python, virtualenv)

    def environ(self, base: Mapping[str, str]) -> dict[str, str]:
        """`base` with the virtual environment activated."""
        if self.virtualenv is None:
            return dict(base)
        environ = {name: value for name, value in base.items() if name != "PYTHONHOME"}
        path = [str(self.virtualenv / "bin"), *filter(None, [base.get("PATH")])]
        return {**environ, "VIRTUAL_ENV": str(self.virtualenv), "PATH": os.pathsep.join(path)}

    def installed(self) -> Installed:
        """Ask it for its version and its packages. Raises InterpreterError if it doesn't run."""
        try:
            answer = subprocess.run(
                [self.python, "-I", "-c", _PROBE], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise InterpreterError(f"{self.python} doesn't run: {error}. Make its environment anew.") from error
        found = json.loads(answer.stdout)
        return Installed(found["version"], tuple(Path(path) for path in found["paths"]))


@dataclass(frozen=True)
class Installed:
    """A Python's version, and the folders that its packages are in."""

    version: str
    paths: tuple[Path, ...]

    def packages(self, *, transitive: bool) -> dict[str, str]:
        """Versions by name; only those that no other package requires, unless `transitive`."""
        from importlib import metadata  # slow to import, and only `pulumi about` comes here

        distributions = list(metadata.distributions(path=[str(path) for path in self.paths]))
        required = {
            _requirement(text) for one in distributions for text in one.requires or [] if "extra ==" not in text
        }
        return {
            one.metadata["Name"]: one.version
            for one in distributions
            if transitive or _normal(one.metadata["Name"]) not in required
        }

    def plugins(self) -> Iterator[Plugin]:
        """The providers that the packages need, as their SDKs say it in a pulumi-plugin.json."""
        for path in self.paths:
            for file in sorted(path.glob("*/pulumi-plugin.json")):
                said = json.loads(file.read_text(encoding="utf-8"))
                if said.get("resource"):
                    yield _plugin(said, file.parent.name)


def _plugin(said: Mapping[str, Any], package: str) -> Plugin:
    parameter = said.get("parameterization")
    return Plugin(
        name=said.get("name") or package.removeprefix("pulumi_").replace("_", "-"),
        version=said.get("version", ""),
        server=said.get("server", ""),
        parameterization=parameter
        and (parameter["name"], parameter["version"], base64.b64decode(parameter.get("value", ""))),
    )


def _requirement(text: str) -> str:
    """The package that a requirement such as `grpcio (>=1.71) ; python_version > "3"` is about."""
    found = re.match(r"[\w.-]+", text)
    return _normal(found[0]) if found else ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
