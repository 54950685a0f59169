from __future__ import annotations

import re
import uuid
from typing import Any

import pytest

from localazure.provider.catalogue import Catalogue
from localazure.provider.naming import CREATE_BEFORE_DELETE, Mode, Proposal, autonamed

SEED = b"a seed of the engine"


def named(catalogue: Catalogue, kind: str, **more: Any) -> dict[str, Any]:
    resource = catalogue.resource(f"azure-native:{kind}")
    given = {"seed": SEED, "news": {}, "olds": {}, **more}
    return autonamed(resource, "thing", **given)


def test_a_random_name_is_the_logical_name_with_eight_hex_digits_and_is_created_before_the_old_is_deleted(
    catalogue: Catalogue,
) -> None:
    added = named(catalogue, "web:WebApp")
    assert re.fullmatch(r"thing[0-9a-f]{8}", added["name"])
    assert added[CREATE_BEFORE_DELETE] is True


def test_one_seed_gives_one_name_and_another_seed_another(catalogue: Catalogue) -> None:
    first, again, other = (named(catalogue, "web:WebApp", seed=seed)["name"] for seed in (SEED, SEED, b"other"))
    assert first == again != other


def test_without_a_seed_the_name_is_random(catalogue: Catalogue) -> None:
    assert named(catalogue, "web:WebApp", seed=b"") != named(catalogue, "web:WebApp", seed=b"")


@pytest.mark.parametrize(
    ("kind", "key"),
    [("web:WebAppSlot", "slot"), ("storage:BlobContainer", "containerName"), ("storage:Blob", "blobName")],
)
def test_a_copied_name_is_the_logical_name(catalogue: Catalogue, kind: str, key: str) -> None:
    assert named(catalogue, kind) == {key: "thing"}


def test_a_role_assignment_is_named_by_a_uuid(catalogue: Catalogue) -> None:
    assert uuid.UUID(named(catalogue, "authorization:RoleAssignment")["roleAssignmentName"])


def test_settings_are_never_named(catalogue: Catalogue) -> None:
    assert named(catalogue, "web:WebAppApplicationSettings") == {}


def test_a_name_in_the_program_stays(catalogue: Catalogue) -> None:
    assert named(catalogue, "web:WebApp", news={"name": "mine"}) == {}


@pytest.mark.parametrize("olds", [{"name": "old"}, {"name": "old", CREATE_BEFORE_DELETE: True}])
def test_a_name_once_given_is_kept(catalogue: Catalogue, olds: dict[str, Any]) -> None:
    assert named(catalogue, "web:WebApp", olds=olds) == olds


@pytest.mark.parametrize(
    ("kind", "mode", "added"),
    [
        ("web:WebApp", Mode.PROPOSE, {"name": "asked", CREATE_BEFORE_DELETE: True}),
        ("web:WebAppSlot", Mode.ENFORCE, {"slot": "asked", CREATE_BEFORE_DELETE: True}),
        ("web:WebApp", Mode.DISABLE, {}),
        ("authorization:RoleAssignment", Mode.ENFORCE, {"roleAssignmentName": "asked", CREATE_BEFORE_DELETE: True}),
    ],
)
def test_the_stacks_autonaming_options_are_followed(
    catalogue: Catalogue, kind: str, mode: Mode, added: dict[str, Any]
) -> None:
    assert named(catalogue, kind, proposal=Proposal(mode, "asked")) == added


def test_a_proposed_name_does_not_replace_a_uuid(catalogue: Catalogue) -> None:
    added = named(catalogue, "authorization:RoleAssignment", proposal=Proposal(Mode.PROPOSE, "asked"))
    assert uuid.UUID(added["roleAssignmentName"])
