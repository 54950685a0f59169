"""Which keys and roles must hold while a plan is carried out, row by row."""

from __future__ import annotations

import pytest

from durable.stores import Access, Colour, Release, Store
from release.access import Needs, needs
from release.observed import Absent, Blank, Observed, Unclear
from release.planner import Pair

KEYS, IDENTITY = Access.KEYS, Access.IDENTITY
BLUE, GREEN = Colour.BLUE, Colour.GREEN
P, Q = "1" * 64, "2" * 64


def on(colour: Colour, access: Access, package: str | None = P) -> Release:
    return Release(Store(colour, f"orders{colour}", "OrdersHub"), package, access=access)


BY_KEY, BY_KEY_TOO = on(BLUE, KEYS), on(GREEN, KEYS)
AS_ONE, AS_ONE_TOO = on(BLUE, IDENTITY), on(GREEN, IDENTITY)
NOTHING = Observed(Absent(), Absent())


@pytest.mark.parametrize(
    ("observed", "written", "wanted", "expected"),
    [
        # A new app.
        (NOTHING, Pair(BY_KEY, BY_KEY_TOO), KEYS, Needs(frozenset({BLUE, GREEN}), roles=False)),
        (NOTHING, Pair(AS_ONE, AS_ONE_TOO), IDENTITY, Needs(frozenset(), roles=True)),
        # From keys to identities: nothing changed yet, the next release, and the run after it.
        (
            Observed(BY_KEY, BY_KEY_TOO),
            Pair(BY_KEY, BY_KEY_TOO),
            IDENTITY,
            Needs(frozenset({BLUE, GREEN}), roles=True),
        ),
        (
            Observed(BY_KEY, BY_KEY_TOO),
            Pair(BY_KEY, AS_ONE_TOO),
            IDENTITY,
            Needs(frozenset({BLUE, GREEN}), roles=True),
        ),
        (Observed(AS_ONE_TOO, BY_KEY), Pair(AS_ONE_TOO, BY_KEY), IDENTITY, Needs(frozenset({BLUE}), roles=True)),
        (Observed(AS_ONE_TOO, BY_KEY), Pair(AS_ONE_TOO, AS_ONE), IDENTITY, Needs(frozenset({BLUE}), roles=True)),
        (Observed(AS_ONE_TOO, AS_ONE), Pair(AS_ONE_TOO, AS_ONE), IDENTITY, Needs(frozenset(), roles=True)),
        # And back: keys open a store before a setting has one, and roles stay for as long as a slot needs them.
        (Observed(AS_ONE, AS_ONE_TOO), Pair(AS_ONE, AS_ONE_TOO), KEYS, Needs(frozenset(), roles=True)),
        (Observed(AS_ONE, AS_ONE_TOO), Pair(AS_ONE, BY_KEY_TOO), KEYS, Needs(frozenset({GREEN}), roles=True)),
        (Observed(BY_KEY_TOO, AS_ONE), Pair(BY_KEY_TOO, BY_KEY), KEYS, Needs(frozenset({BLUE, GREEN}), roles=True)),
        (Observed(BY_KEY_TOO, BY_KEY), Pair(BY_KEY_TOO, BY_KEY), KEYS, Needs(frozenset({BLUE, GREEN}), roles=False)),
        # A slot that has nothing, or nothing clear, needs nothing by what was seen.
        (Observed(AS_ONE, Blank()), Pair(AS_ONE, AS_ONE_TOO), IDENTITY, Needs(frozenset(), roles=True)),
        (Observed(AS_ONE, Unclear("?", "?")), Pair(AS_ONE, BY_KEY_TOO), IDENTITY, Needs(frozenset({GREEN}), True)),
    ],
)
def test_a_form_works_for_as_long_as_a_slot_has_it(
    observed: Observed, written: Pair, wanted: Access, expected: Needs
) -> None:
    assert needs(observed, written, wanted) == expected
