"""Versions, and the ones that engine/go.mod pins: the only place that names them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(-|rc|beta)?")


class Version(NamedTuple):
    """A version of Pulumi or of Go. A pre-release comes before its release."""

    major: int
    minor: int
    patch: int = 0
    final: bool = True

    @classmethod
    def parse(cls, text: str) -> Self:
        """The first version in `text`: `v3.259.0`, `3.260.0-alpha.1`, `go1.26rc1`. Raises ValueError without one."""
        found = _VERSION.search(text)
        if found is None:
            raise ValueError(f"no version in {text!r}")
        major, minor, patch, pre = found.groups()
        return cls(int(major), int(minor), int(patch or 0), final=pre is None)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}" + ("" if self.final else " (pre-release)")


@dataclass(frozen=True)
class Pin:
    """The Pulumi that is built, and the oldest Go and the oldest Pulumi that will do."""

    pulumi: Version
    go: Version

    @classmethod
    def read(cls, go_mod: Path) -> Self:
        """What a go.mod asks for. Raises ValueError if it doesn't name Pulumi's module or a Go version."""
        text = go_mod.read_text(encoding="utf-8")
        pulumi = re.search(r"github\.com/pulumi/pulumi/pkg/v3 (v\S+)", text)
        go = re.search(r"^go (\S+)", text, re.MULTILINE)
        if pulumi is None or go is None:
            raise ValueError(f"{go_mod} must name github.com/pulumi/pulumi/pkg/v3 with a version, and have a go line")
        return cls(pulumi=Version.parse(pulumi[1]), go=Version.parse(go[1]))
