from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.instance_ids import from_partition_key, instance_id_problem, to_partition_key


@pytest.mark.parametrize(
    ("instance_id", "key"),
    [
        ("order-1", "order-1"),
        ("a^b", "a^^b"),
        ("a/b", "a^0b"),
        ("a\\b", "a^1b"),
        ("a#b", "a^2b"),
        ("a?b", "a^3b"),
        ("a\x00b", "a^\u00c0b"),
        ("a\x1fb", "a^\u00dfb"),
        ("a\x7fb", "a^\u013fb"),
        ("a\x9fb", "a^\u015fb"),
        ("a\xa0b", "a\xa0b"),
        ("^0", "^^0"),
    ],
)
def test_characters_that_a_key_cannot_hold_are_escaped(instance_id: str, key: str) -> None:
    assert to_partition_key(instance_id) == key
    assert from_partition_key(key) == instance_id


@given(st.text())
def test_any_instance_id_survives_being_a_key(instance_id: str) -> None:
    assert from_partition_key(to_partition_key(instance_id)) == instance_id


@given(st.text(alphabet="^/\\#?\x00\x1f\x7f\x9fab"))
def test_no_key_holds_a_character_that_table_storage_refuses(instance_id: str) -> None:
    assert not set(to_partition_key(instance_id)) & set("/\\#?\x00\x1f\x7f\x9f")


@pytest.mark.parametrize("key", ["a^", "^4", "a^zb"])
def test_a_key_with_an_unknown_escape_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="no known escape"):
        from_partition_key(key)


@pytest.mark.parametrize(
    ("instance_id", "says"),
    [
        ("", "empty"),
        ("x" * 257, "257"),
        ("@counter@1", "entities"),
        ("a/b", "'/'"),
        ("a\\b", r"\\"),
        ("a#b", "'#'"),
        ("a?b", "'?'"),
        ("a\nb", r"\n"),
    ],
)
def test_an_instance_id_that_durable_refuses_has_a_problem(instance_id: str, says: str) -> None:
    assert says in (instance_id_problem(instance_id) or "")


@pytest.mark.parametrize("instance_id", ["order-1", "x" * 256, "user@example.com", "^", "ordre nº 1"])
def test_other_instance_ids_have_none(instance_id: str) -> None:
    assert instance_id_problem(instance_id) is None
