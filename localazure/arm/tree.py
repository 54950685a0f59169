"""The resource tree: every resource of local Azure by its ARM id."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from localazure.arm.database import Database
from localazure.arm.ids import ResourceId, parse

Json = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """A resource as the tree keeps it.

    `body` is what ARM shows besides id, name and type; `hidden` is what it never shows, such as keys.
    """

    id: ResourceId
    body: Json = field(default_factory=dict)
    hidden: Json = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.id.name

    @property
    def properties(self) -> Json:
        found: Json = self.body.get("properties") or {}
        return found

    def with_properties(self, **changes: Any) -> Resource:
        return replace(self, body={**self.body, "properties": {**self.properties, **changes}})

    def with_hidden(self, **changes: Any) -> Resource:
        return replace(self, hidden={**self.hidden, **changes})


class Tree:
    """Reads and writes resources; each call is a transaction, or a part of the one around it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, wanted: ResourceId) -> Resource | None:
        rows = self._query("SELECT id, body, hidden FROM resources WHERE key = ?", wanted.key)
        return rows[0] if rows else None

    def put(self, resource: Resource) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO resources (key, id, type, body, hidden) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (key) DO UPDATE SET body = excluded.body, hidden = excluded.hidden",
                (
                    resource.id.key,
                    resource.id.text,
                    resource.id.type.lower(),
                    json.dumps(resource.body),
                    json.dumps(resource.hidden),
                ),
            )

    def delete(self, gone: ResourceId) -> list[Resource]:
        """Take out a resource with all that lies below it; returns what was taken out."""
        with self._database.transaction() as connection:
            removed = self.below(gone)
            if (itself := self.get(gone)) is not None:
                removed.insert(0, itself)
            connection.executemany("DELETE FROM resources WHERE key = ?", [(each.id.key,) for each in removed])
        return removed

    def below(self, scope: ResourceId, type_name: str | None = None) -> list[Resource]:
        """All that lies under a scope, at any depth, ordered by id; of one type if it is given."""
        # '0' is the character after '/': the range holds the keys that begin with the scope and a slash.
        where, values = "key > ? AND key < ?", [f"{scope.key}/", f"{scope.key}0"]
        if type_name is not None:
            where, values = f"{where} AND type = ?", [*values, type_name.lower()]
        return self._query(f"SELECT id, body, hidden FROM resources WHERE {where} ORDER BY key", *values)  # noqa: S608

    def of_type(self, type_name: str) -> list[Resource]:
        """All resources of a type, ordered by id."""
        return self._query("SELECT id, body, hidden FROM resources WHERE type = ? ORDER BY key", type_name.lower())

    def named(self, types: Iterable[str], name: str) -> Resource | None:
        """A resource of one of these types by its name alone: for names that are unique in all of Azure."""
        wanted = name.lower()
        return next((each for kind in types for each in self.of_type(kind) if each.name.lower() == wanted), None)

    def counts(self) -> dict[str, int]:
        """How many resources there are of each type (in lower case)."""
        with self._database.transaction() as connection:
            return dict(connection.execute("SELECT type, COUNT(*) FROM resources GROUP BY type ORDER BY type"))

    def _query(self, sql: str, *values: str) -> list[Resource]:
        with self._database.transaction() as connection:
            rows: Sequence[sqlite3.Row] = connection.execute(sql, values).fetchall()
        return [Resource(parse(text), json.loads(body), json.loads(hidden)) for text, body, hidden in rows]
