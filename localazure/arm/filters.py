"""The part of OData's $filter that ARM's list calls understand: comparisons for equality, joined by `and`."""

from __future__ import annotations

import re

from localazure.arm.errors import bad_request

_CLAUSE = re.compile(r"\s*(?P<name>[\w/]+)\s+eq\s+'(?P<value>(?:[^']|'')*)'\s*", re.IGNORECASE)
_CALL = re.compile(r"\s*(?P<name>\w+)\(\s*(?:'(?P<value>[^']*)')?\s*\)\s*")
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)


def equalities(text: str | None, known: set[str]) -> dict[str, str]:
    """The values to compare with, by name in lower case; a function such as atScope() has its argument, or ''.

    Raises an ArmError for what can't be read or isn't among the `known` names (given in lower case).
    """
    found: dict[str, str] = {}
    if not text or not text.strip():
        return found
    for clause in _AND.split(text.strip()):
        match = _CLAUSE.fullmatch(clause) or _CALL.fullmatch(clause)
        name = match["name"].lower() if match else ""
        if match is None or name not in known:
            raise bad_request(
                f"Invalid $filter '{text}' specified in the query string: local Azure understands eq, joined by and, "
                f"on {', '.join(sorted(known))}.",
                "InvalidFilterInQueryString",
            )
        found[name] = (match["value"] or "").replace("''", "'")
    return found
