"""Routes of HTTP functions: templates of ASP.NET, by which the Functions host finds the function for a path. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_PART: Final = re.compile(r"\{(?P<rest>\*{0,2})(?P<name>\w+)(?P<constraints>(?::[^{}?]+)*)(?P<optional>\?)?\}")
_CONSTRAINTS: Final = {
    "int": r"-?\d+",
    "long": r"-?\d+",
    "decimal": r"-?\d+(?:\.\d+)?",
    "double": r"-?\d+(?:\.\d+)?",
    "float": r"-?\d+(?:\.\d+)?",
    "bool": "true|false",
    "alpha": "[a-z]+",
    "guid": "[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}",
}
_LITERAL, _CONSTRAINED, _PARAMETER, _REST = 1, 2, 3, 5
"""How ASP.NET ranks the segments of two templates that both fit: the lower goes first."""


@dataclass(frozen=True)
class Template:
    """A route, such as `orders/{id:int?}`; `rank` orders templates by which goes first where more than one fits."""

    rank: tuple[int, ...]
    _pattern: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Raises ValueError, in words, for what isn't known here."""
        segments = [segment for segment in text.split("/") if segment]
        pattern = "".join(
            _segment(segment, last=position == len(segments)) for position, segment in enumerate(segments, 1)
        )
        try:
            compiled = re.compile(f"{pattern}/?", re.IGNORECASE | re.DOTALL)
        except re.error as error:
            raise ValueError(f"the route {text!r} isn't understood: {error}") from error
        return cls(tuple(map(_rank, segments)), compiled)

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters in a path, without those that are left out; None if it doesn't fit."""
        found = self._pattern.fullmatch(path)
        return None if found is None else {name: value for name, value in found.groupdict().items() if value}


def _segment(segment: str, *, last: bool) -> str:
    whole = _PART.fullmatch(segment)
    if whole and (whole["rest"] or whole["optional"]):
        if not last:
            raise ValueError(f"only the route's last segment can be {segment!r}")
        return f"(?:/{_group(whole)})?"
    return f"/{''.join(_pieces(segment))}"


def _pieces(segment: str) -> Iterator[str]:
    """The pattern of a segment, which may have text and parameters side by side."""
    at = 0
    for part in _PART.finditer(segment):
        if part["rest"] or part["optional"]:
            raise ValueError(f"{part[0]!r} must be a segment of the route by itself")
        yield _literal(segment[at : part.start()])
        yield _group(part)
        at = part.end()
    yield _literal(segment[at:])


def _literal(text: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError(f"the route's {text!r} isn't understood")
    return re.escape(text)


def _group(part: re.Match[str]) -> str:
    constraint = part["constraints"].removeprefix(":")
    if constraint and constraint.lower() not in _CONSTRAINTS:
        raise ValueError(f"the route constraint {constraint!r} isn't known")
    pattern = _CONSTRAINTS[constraint.lower()] if constraint else ".*" if part["rest"] else "[^/]+"
    return f"(?P<{part['name']}>{pattern})"


def _rank(segment: str) -> int:
    whole = _PART.fullmatch(segment)
    if whole is None:
        return _CONSTRAINED if "{" in segment else _LITERAL
    if whole["rest"]:
        return _REST
    return _CONSTRAINED if whole["constraints"] else _PARAMETER
