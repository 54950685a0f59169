from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localazure.provider.wire import (
    ARCHIVE,
    ASSET,
    OUTPUT,
    RESOURCE,
    SECRET,
    SIGNATURE,
    UNKNOWN,
    UNKNOWN_SENTINELS,
    Asset,
    decode,
    encode,
)

texts = st.text(max_size=8).filter(lambda text: text not in UNKNOWN_SENTINELS)
keys = texts.filter(lambda text: text != SIGNATURE)
assets = st.builds(Asset, archive=st.booleans(), hash=texts, path=texts, text=texts)
leaves = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
    st.just(UNKNOWN),
    assets,
)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))


@given(st.dictionaries(keys, values, max_size=4))
def test_what_is_encoded_comes_back(properties: dict[str, Any]) -> None:
    assert decode(encode(properties)) == properties


def test_whole_numbers_come_back_as_integers() -> None:
    decoded = decode(encode({"count": 3.0, "share": 0.5}))
    assert decoded == {"count": 3, "share": 0.5}
    assert isinstance(decoded["count"], int)


def test_null_properties_are_left_out() -> None:
    assert decode(encode({"here": 1, "gone": None, "inner": {"gone": None}})) == {"here": 1, "inner": {}}


@pytest.mark.parametrize("sentinel", sorted(UNKNOWN_SENTINELS))
def test_each_sentinel_is_an_unknown(sentinel: str) -> None:
    assert decode(encode({"later": [sentinel]})) == {"later": [UNKNOWN]}


def test_there_are_seven_sentinels() -> None:
    assert len(UNKNOWN_SENTINELS) == 7


@pytest.mark.parametrize(
    ("special", "plain"),
    [
        ({SIGNATURE: SECRET, "value": {"key": "k"}}, {"key": "k"}),
        ({SIGNATURE: OUTPUT, "value": 1}, 1),
        ({SIGNATURE: OUTPUT}, UNKNOWN),
        ({SIGNATURE: RESOURCE, "urn": "urn:x", "id": "the-id"}, "the-id"),
        ({SIGNATURE: ASSET, "hash": "h", "text": "t"}, Asset(archive=False, hash="h", text="t")),
        (
            {SIGNATURE: ARCHIVE, "assets": {"a": {SIGNATURE: ASSET, "text": "t"}}},
            Asset(archive=True, assets={"a": Asset(archive=False, text="t")}),
        ),
    ],
)
def test_special_objects_become_what_they_stand_for(special: dict[str, Any], plain: Any) -> None:
    assert decode(encode({"it": special})) == {"it": plain}


def test_assets_of_one_hash_are_equal_though_the_engine_elided_the_old_ones_path() -> None:
    assert Asset(archive=False, hash="h") == Asset(archive=False, hash="h", path="new/place")
    assert Asset(archive=False, hash="h") != Asset(archive=False, hash="other")
    assert Asset(archive=False, hash="h") != Asset(archive=True, hash="h")


def test_a_value_that_pulumi_has_no_form_for_is_refused() -> None:
    with pytest.raises(TypeError, match="not a property value: object"):
        encode({"it": object()})
