"""The pages of the rules, and the programs on them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from policies.catalogue import CATALOGUE

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "policies"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    rule: str
    text: str
    bad: str
    good: str
    config: Mapping[str, Any]


@cache
def preamble() -> str:
    """What all examples begin with."""
    return next(body for language, body in _blocks((FOLDER / "README.md").read_text()) if language == "python")


def page(rule: str) -> Page:
    text = (FOLDER / f"{rule}.md").read_text()
    bad, good = (body for language, body in _blocks(text) if language == "python")
    config: dict[str, Any] = next((json.loads(body) for language, body in _blocks(text) if language == "json"), {})
    return Page(rule, text, bad, good, config)


def pages() -> list[Page]:
    return [page(entry.name) for entry in CATALOGUE]


def _blocks(text: str) -> list[tuple[str, str]]:
    return [(match[1], match[2]) for match in _BLOCK.finditer(text)]
