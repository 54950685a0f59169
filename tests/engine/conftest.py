"""A project and a PATH of our own making: no test here meets the machine's Pulumi, Go or cache."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

GO_MOD = """module test
go 1.25.11
require github.com/pulumi/pulumi/pkg/v3 v3.259.0 // indirect
"""


@dataclass(frozen=True)
class Machine:
    """A project folder, a folder that is all of PATH, and an empty cache."""

    root: Path

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def environ(self) -> dict[str, str]:
        return {"PATH": str(self.bin), "XDG_CACHE_HOME": str(self.root / "cache")}

    @property
    def go_calls(self) -> list[str]:
        """The commands that the fake `go` was called with, each as its first words."""
        log = self.root / "go.log"
        return log.read_text().splitlines() if log.exists() else []

    def install(self, name: str, script: str, folder: Path | None = None) -> Path:
        """Put a shell script on PATH, or elsewhere."""
        file = (folder or self.bin) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    def install_go(self, version: str = "go1.26.8", toolchain: str = "local", build: str = "") -> None:
        """A `go` that writes its arguments to the file named by -o, after the commands in `build`."""
        sdk = self.root / "sdk"
        for script in ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python"):
            self.install(Path(script).name, f"echo {script}", sdk / "python" / Path(script).parent)
        self.install(
            "go",
            f"""echo "$1" >> {self.root / "go.log"}
            case "$1" in
            env) echo '{{"GOVERSION": "{version}", "GOTOOLCHAIN": "{toolchain}"}}' ;;
            list) echo {sdk} ;;
            build)
                {build}
                {{ pwd; echo "$CGO_ENABLED $GOFLAGS $GOWORK"; printf '%s\\n' "$@"; }} > "$8"
                chmod +x "$8" ;;
            esac""",
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.bin.mkdir()
    for tool in ("chmod", "sleep"):
        (made.bin / tool).symlink_to(shutil.which(tool) or tool)
    modules = made.project / "engine"
    modules.mkdir(parents=True)
    (modules / "go.mod").write_text(GO_MOD)
    (modules / "go.sum").write_text("")
    made.install("python", "exit 0", made.project / ".venv" / "bin")
    return made
