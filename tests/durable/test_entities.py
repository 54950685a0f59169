from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.entities import EntityId, is_entity, parse_entity_id


@pytest.mark.parametrize(
    ("instance_id", "entity"),
    [
        ("@counter@1", EntityId("counter", "1")),
        ("@counter@a@b", EntityId("counter", "a@b")),
        ("@counter@", EntityId("counter", "")),
        ("order-1", None),
        ("user@example.com", None),
        ("@", None),
        ("@@key", None),
        ("@counter", None),
        ("", None),
    ],
)
def test_an_entity_is_told_by_its_instance_id(instance_id: str, entity: EntityId | None) -> None:
    assert parse_entity_id(instance_id) == entity
    assert is_entity(instance_id) is (entity is not None)


def test_an_entity_name_is_written_in_lower_case() -> None:
    assert str(EntityId("Counter", "Key")) == "@counter@Key"


@given(st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]), min_size=1), st.text())
def test_an_entity_id_is_read_back_from_its_text(name: str, key: str) -> None:
    assert parse_entity_id(str(EntityId(name, key))) == EntityId(name, key)
