"""The parts under the resource types: ids, filters, the tree and its file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from localazure.arm.database import Database
from localazure.arm.errors import ArmError, resource_not_found
from localazure.arm.filters import equalities
from localazure.arm.ids import address, parse
from localazure.arm.tree import Resource, Tree
from localazure.errors import LocalAzureError

SUBSCRIPTION = "Microsoft.Resources/subscriptions"
SITE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/x"


@pytest.mark.parametrize(
    ("path", "kind", "name", "tail", "namespace"),
    [
        (SITE, "Microsoft.Web/sites", "x", None, None),
        (f"{SITE}/slots/y", "Microsoft.Web/sites/slots", "y", None, None),
        (f"{SITE}/slots", "Microsoft.Web/sites", "x", "slots", None),
        (f"{SITE}/config/appsettings/list", "Microsoft.Web/sites/config", "appsettings", "list", None),
        ("/subscriptions/s/RESOURCEGROUPS/g", "Microsoft.Resources/resourceGroups", "g", None, None),
        ("/subscriptions/s/resourceGroups", SUBSCRIPTION, "s", "resourceGroups", None),
        (
            "//subscriptions/s//providers/Microsoft.Web/sites",
            "Microsoft.Resources/subscriptions",
            "s",
            "sites",
            "Microsoft.Web",
        ),
        ("/subscriptions/s/providers/Microsoft.Web", SUBSCRIPTION, "s", None, "Microsoft.Web"),
        (
            f"{SITE}/providers/Microsoft.Authorization/roleAssignments/r",
            "Microsoft.Authorization/roleAssignments",
            "r",
            None,
            None,
        ),
    ],
)
def test_a_path_tells_a_resource_from_its_collections_and_actions(
    path: str, kind: str, name: str, tail: str | None, namespace: str | None
) -> None:
    found = address(path)
    assert found.resource is not None
    assert (found.resource.type, found.resource.name, found.tail, found.namespace) == (kind, name, tail, namespace)


@pytest.mark.parametrize("text", ["", "x", "/", f"{SITE}/slots", "/subscriptions/s/providers/Microsoft.Web"])
def test_what_is_no_id_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError, match="not the id"):
        parse(text)


def test_ids_are_compared_without_regard_to_case() -> None:
    assert parse(SITE.upper().replace("/SUBSCRIPTIONS/", "/subscriptions/")).key == parse(SITE).key
    assert parse(f"{SITE}/slots/y").within(parse(SITE))
    assert not parse(f"{SITE}yz").within(parse(SITE))


def test_a_missing_nested_resource_is_named_with_all_its_segments() -> None:
    error = resource_not_found(parse(f"{SITE}/slots/y"))
    assert error.message == "The Resource 'Microsoft.Web/sites/x/slots/y' under resource group 'g' was not found."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, {}),
        ("name eq 'a'", {"name": "a"}),
        ("Name EQ 'it''s' and location eq 'x y'", {"name": "it's", "location": "x y"}),
        ("atScope()", {"atscope": ""}),
    ],
)
def test_filters_are_read(text: str | None, found: dict[str, str]) -> None:
    assert equalities(text, {"name", "location", "atscope"}) == found


@pytest.mark.parametrize("text", ["name ne 'a'", "size eq '1'", "name eq a", "name eq 'a' or name eq 'b'"])
def test_filters_that_cannot_be_honoured_are_refused(text: str) -> None:
    with pytest.raises(ArmError, match="filter"):
        equalities(text, {"name"})


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "arm.sqlite")


def test_a_resource_leaves_with_all_below_it_and_nothing_beside_it(database: Database) -> None:
    tree = Tree(database)
    texts = [SITE, f"{SITE}/slots/y", f"{SITE}/slots/y/config/web", f"{SITE}-2"]
    for text in texts:
        tree.put(Resource(parse(text)))
    assert [each.id.text for each in tree.delete(parse(SITE.replace("/sites/", "/SITES/")))] == texts[:3]
    assert [each.id.text for each in tree.of_type("microsoft.web/sites")] == [texts[3]]
    database.close()


def test_an_exception_leaves_no_trace_of_its_transaction(database: Database) -> None:
    tree = Tree(database)

    def fail() -> None:
        with database.transaction():
            tree.put(Resource(parse(SITE)))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert tree.get(parse(SITE)) is None
    database.close()


def test_the_file_is_written_ahead_and_synced_at_each_commit(database: Database) -> None:
    with database.transaction() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    database.close()
    with pytest.raises(sqlite3.ProgrammingError), database.transaction():
        pass


def test_a_file_that_is_no_database_is_named_with_the_way_out(tmp_path: Path) -> None:
    broken = tmp_path / "arm.sqlite"
    broken.write_text("something else, and more than a page header would be " * 20)
    with pytest.raises(LocalAzureError, match=r"arm\.sqlite.*can't be used.*localazure reset"):
        Database(broken)
