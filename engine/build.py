"""Builds Pulumi from its published Go modules, once, into the user's cache folder."""

from __future__ import annotations

import fcntl
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.assemble import BUILT, DYNAMIC_PROVIDER, EXECUTOR
from engine.errors import BuildError, NoGoError
from engine.versions import Pin, Version

Report = Callable[[str], None]
"""Takes a line for the user."""

_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_SCRIPTS = {EXECUTOR: Path("python", "cmd"), DYNAMIC_PROVIDER: Path("python", "dist")}
"""Where the SDK's module keeps the scripts that belong beside the engine."""

_FIRST_TOOLCHAIN_SWITCH = Version(1, 21)
"""The first Go that fetches a newer one when a go.mod asks for it (https://go.dev/doc/toolchain)."""

_REPORT_SECONDS = 30
_REDRAW_SECONDS = 1
_LAST_LINES = 20


@dataclass(frozen=True)
class Build:
    """One build: from the modules that a folder pins, for this platform, into a cache.

    `modules` is the folder with go.mod and go.sum. `environ` is what Go is started with.
    """

    modules: Path
    environ: Mapping[str, str]

    @property
    def pin(self) -> Pin:
        return Pin.read(self.modules / "go.mod")

    @property
    def folder(self) -> Path:
        """Where the result is kept: another folder for other modules or another platform."""
        key = hashlib.sha256(f"{sys.platform}-{platform.machine()}\n".encode())
        for name in ("go.mod", "go.sum"):
            key.update((self.modules / name).read_bytes())
        cache = self.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(cache, "durable-zero-downtime", "engine", f"{self.pin.pulumi}-{key.hexdigest()[:12]}")

    def _beside(self, ending: str) -> Path:
        return self.folder.with_name(self.folder.name + ending)

    @property
    def done(self) -> bool:
        return all((self.folder / name).exists() for name in BUILT)

    def run(self, report: Report, redraw: Report | None = None) -> None:
        """Build, unless it is done, here or by another process meanwhile.

        Elapsed time goes to `redraw` each second, as a line that replaces the last one, or else to `report` now and
        then. Raises NoGoError or BuildError.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(self._beside(".lock"), report):
            if self.done:
                return
            go = self._go()
            partial = self._beside(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            report(
                f"Building Pulumi {self.pin.pulumi} from its Go modules: once on this machine, about 7 minutes on two "
                "cores, about 3 GB for Go's own caches."
            )
            started = time.monotonic()
            self._compile(go, partial, report, redraw)
            self._copy_scripts(go, partial)
            shutil.rmtree(self.folder, ignore_errors=True)
            partial.rename(self.folder)
            report(f"Built Pulumi in {_clock(time.monotonic() - started)}: {self.folder}")

    def _go(self) -> str:
        """The go command, if it is new enough or can fetch one that is."""
        advice = (
            f"Install Pulumi {self.pin.pulumi} or newer (https://www.pulumi.com/docs/install/), "
            f"or Go {self.pin.go} or newer (https://go.dev/dl/) to have it built here."
        )
        go = shutil.which("go", path=self.environ.get("PATH", ""))
        if go is None:
            raise NoGoError(f"Neither a usable `pulumi` nor `go` is on PATH. {advice}")
        try:
            with tempfile.TemporaryDirectory() as outside:  # a go.mod in sight would already switch toolchains
                answer = json.loads(self._ask(go, "env", "-json", "GOVERSION", "GOTOOLCHAIN", cwd=Path(outside)))
            version = Version.parse(answer["GOVERSION"])
        except (BuildError, ValueError, KeyError) as error:
            raise NoGoError(f"{go} doesn't tell its version ({error}). {advice}") from error
        may_switch = version >= _FIRST_TOOLCHAIN_SWITCH and answer.get("GOTOOLCHAIN") != "local"
        if version < self.pin.go and not may_switch:
            raise NoGoError(
                f"{go} is Go {version}, which is too old to build Pulumi, and no usable `pulumi` is on PATH. {advice}"
            )
        return go

    def _go_environ(self) -> dict[str, str]:
        """The user's own flags or workspace would make it another build than the pinned one."""
        return {**self.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}

    def _compile(self, go: str, folder: Path, report: Report, redraw: Report | None) -> None:
        command = [
            *(go, "build", "-trimpath", "-tags", "osusergo,grpcnotrace"),
            *("-ldflags", f"-s -w -X {_SDK}/go/common/version.Version=v{self.pin.pulumi}"),
            *("-o", str(folder / "pulumi"), _PACKAGE),
        ]
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                command,
                cwd=self.modules,
                env=self._go_environ(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                _wait(process, report, redraw)
            finally:
                process.kill()
                process.wait()
            if process.returncode:
                output.seek(0)
                raise _failure("build", process.returncode, output.read().decode(errors="replace"))

    def _copy_scripts(self, go: str, folder: Path) -> None:
        sdk = Path(self._ask(go, "list", "-m", "-f", "{{.Dir}}", _SDK, cwd=self.modules).strip())
        for name, place in _SCRIPTS.items():
            shutil.copyfile(sdk / place / name, folder / name)
            (folder / name).chmod(0o755)

    def _ask(self, go: str, *args: str, cwd: Path) -> str:
        answer = subprocess.run(
            [go, *args], cwd=cwd, env=self._go_environ(), capture_output=True, text=True, check=False
        )
        if answer.returncode:
            raise _failure(args[0], answer.returncode, answer.stderr)
        return answer.stdout


@contextmanager
def _locked(path: Path, report: Report) -> Iterator[None]:
    """Hold the lock, after whoever holds it now. The kernel frees it when its holder ends, in whatever way."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("Another process is building Pulumi: waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _wait(process: subprocess.Popen[bytes], report: Report, redraw: Report | None) -> None:
    started = time.monotonic()
    while True:
        try:
            process.wait(timeout=_REDRAW_SECONDS if redraw else _REPORT_SECONDS)
        except subprocess.TimeoutExpired:
            (redraw or report)(f"Building Pulumi: {_clock(time.monotonic() - started)}")
        else:
            return


def _failure(what: str, code: int, output: str) -> BuildError:
    last = "\n".join(f"  {line}" for line in output.splitlines()[-_LAST_LINES:])
    return BuildError(
        f"`go {what}` ended with code {code} and said at last:\n{last}\n"
        "Mend that and run it again, or install Pulumi (https://www.pulumi.com/docs/install/)."
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02} min"
