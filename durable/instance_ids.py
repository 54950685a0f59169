"""Instance ids, and the partition keys that the Instances and History tables make of them."""

from __future__ import annotations

import re

MAX_LENGTH = 256

_ESCAPES = {"^": "^^", "/": "^0", "\\": "^1", "#": "^2", "?": "^3"}
_CONTROL = [*range(0x20), *range(0x7F, 0xA0)]
_CONTROL_OFFSET = 0xC0

_TO_KEY = str.maketrans(_ESCAPES | {chr(code): "^" + chr(_CONTROL_OFFSET + code) for code in _CONTROL})
_FROM_KEY = {escaped[1]: char for char, escaped in _ESCAPES.items()} | {
    chr(_CONTROL_OFFSET + code): chr(code) for code in _CONTROL
}
_ESCAPED = re.compile(r"\^(.?)", re.DOTALL)
_REFUSED = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")


def to_partition_key(instance_id: str) -> str:
    """The PartitionKey under which the tables keep an instance (azure_facts.md 3.1)."""
    return instance_id.translate(_TO_KEY)


def from_partition_key(partition_key: str) -> str:
    """The instance id behind a PartitionKey: the reverse of `to_partition_key`.

    Raises ValueError if the key holds an escape that Durable Functions doesn't write.
    """

    def unescape(match: re.Match[str]) -> str:
        char = _FROM_KEY.get(match[1])
        if char is None:
            raise ValueError(f"{partition_key!r} is no partition key of an instance: {match[0]!r} is no known escape")
        return char

    return _ESCAPED.sub(unescape, partition_key)


def instance_id_problem(instance_id: str) -> str | None:
    """What is wrong with an id that a user gives to a new instance, or None (azure_facts.md 3.1)."""
    if not instance_id:
        return "an instance id can't be empty"
    if len(instance_id) > MAX_LENGTH:
        return f"an instance id has at most {MAX_LENGTH} characters, this one has {len(instance_id)}"
    if instance_id.startswith("@"):
        return "an instance id can't begin with @, which marks entities"
    if found := _REFUSED.search(instance_id):
        return f"an instance id can't hold {found[0]!r}"
    return None
