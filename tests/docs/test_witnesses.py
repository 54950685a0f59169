"""Each rule about connections, hubs, accounts and stickiness names its witness, or says why there is none."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from policies.catalogue import CATALOGUE, PAGES

REPOSITORY = Path(__file__).resolve().parents[2]
WITNESSES = "tests/e2e/test_witnesses.py"
OTHERS = {
    "slot-kind-matches-site",
    "plan-supports-slots",
    "durable-store-protected",
    "storage-hardened",
    "function-app-hardened",
    "function-app-quota",
    "secret-by-reference",
}
"""Rules about something else: what they guard against is refused by Azure, or harms no orchestration by a swap."""

RULES = [entry.name for entry in CATALOGUE if entry.name not in OTHERS]
CONTROLS = {
    "test_a_release_with_the_rules_kept_harms_nothing",
    "test_nor_does_one_with_two_hub_names_in_one_account",
}


def line(rule: str) -> str:
    """What a rule's page says of its witness."""
    (found,) = re.findall(
        r"^((?:No w|W)itness: (?:.+\n)+)\n## Refused$", (PAGES / f"{rule}.md").read_text(), re.MULTILINE
    )
    return str(found)


def witness(rule: str) -> str | None:
    found = re.fullmatch(rf"Witness: `{WITNESSES}::(\w+)`\n", line(rule))
    return found[1] if found else None


def witnesses() -> set[str]:
    nodes = ast.parse((REPOSITORY / WITNESSES).read_text()).body
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_names_its_witness_or_says_why_it_has_none(rule: str) -> None:
    if (named := witness(rule)) is not None:
        assert named in witnesses() - CONTROLS
    else:
        assert re.match(r"No witness: \S.+\.\n$", line(rule), re.DOTALL)


def test_each_witness_is_a_rules_and_the_sticky_connection_is_among_them() -> None:
    named = {witness(rule) for rule in RULES} - {None}
    assert named == witnesses() - CONTROLS
    assert len([rule for rule in RULES if witness(rule)]) >= 6
    assert witness("durable-storage-setting-not-sticky")


@pytest.mark.parametrize("rule", sorted(OTHERS))
def test_other_rules_have_none(rule: str) -> None:
    assert rule in {entry.name for entry in CATALOGUE}
    assert "itness:" not in (PAGES / f"{rule}.md").read_text()
