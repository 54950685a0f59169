"""An app without account keys: deployed and released by its identity, and switched to it and back while it works."""

from __future__ import annotations

import json

import pytest
from azure.core.exceptions import HttpResponseError

from durable.roles import HOST_ROLES, STORE_ROLES
from localazure.identity import CLIENT_ID
from tests.e2e.app import AT_ONCE, GROUP, App
from tests.e2e.history import DURABLE, PRODUCTION, STAGING, SWAPPED, WRITTEN, steps
from tests.e2e.local import REPOSITORY
from tests.e2e.orchestrations import Orchestrations

pytestmark = pytest.mark.e2e

READERS = {"servicePrincipals": [CLIENT_ID]}
"""Whoever logs in to local Azure, as the program does."""

OF_THE_APP = len(HOST_ROLES) + 2 * len(STORE_ROLES) + 1
OF_A_READER = 3
"""Role assignments: with that on the packages; and on both stores' tables, and the packages."""


def forms(app: App) -> dict[str, str]:
    """How each slot reaches its store, by what its settings have."""
    return {slot: "keys" if DURABLE in found else "identity" for slot, found in app.settings().items()}


def takes_keys(app: App, account: str) -> bool:
    return bool(app.accounts.get_properties(GROUP, account).allow_shared_key_access)


def assignments(app: App) -> int:
    return len([one for one in app.roles.list_for_resource_group(GROUP) if GROUP in one.scope])


def assert_no_key_anywhere(app: App) -> None:
    """Not in a setting of a slot, not in an output, not in the state with all its secrets in the open."""
    app.note_keys()
    kept = json.dumps(app.settings())
    kept += app.stack.quietly("stack", "output", "--json", "--show-secrets")
    kept += app.stack.quietly("stack", "export", "--show-secrets")
    assert app.secrets
    assert not [secret for secret in app.secrets if secret in kept]
    assert "AccountKey" not in kept


def test_an_app_is_deployed_and_released_by_identity_and_there_is_no_key_anywhere(app: App) -> None:
    app.configure(access="identity", readers=READERS, gate=AT_ONCE)
    one = app.want("one")
    app.up()
    ((blue, running), (green, _)) = app.held()
    assert running == one
    assert forms(app) == {PRODUCTION: "identity", STAGING: "identity"}
    assert assignments(app) == OF_THE_APP + OF_A_READER
    assert not takes_keys(app, blue)
    assert not takes_keys(app, green)
    with pytest.raises(HttpResponseError) as refused:
        Orchestrations.by_key(app.connection(blue)).put("by-key", "Running")
    assert refused.value.status_code == 403
    app.stack.succeed("preview", "--expect-no-changes")

    two = app.want("two")
    app.up()
    assert app.held() == ((green, two), (blue, one))
    app.orchestrations(STAGING).put("begun-on-one", "Running")
    three = app.want("three")
    before = app.snapshot()
    refusal = app.refused_up()
    assert f"1 active in {blue}: 1 Running (1 process_order)" in refusal
    assert "begun-on-one" in refusal
    assert app.snapshot() == before
    app.orchestrations(STAGING).finish("begun-on-one")
    app.up()
    assert app.held() == ((blue, three), (green, two))
    assert steps(app.events(before.events)) == [WRITTEN, *SWAPPED]
    app.stack.succeed("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert_no_key_anywhere(app)


def test_a_gate_without_the_role_refuses_at_once_and_names_the_config_key(app: App) -> None:
    app.configure(access="identity", gate={"timeout": 600, "steady": 0, "poll": 1})
    app.want("one")
    refusal = app.refused_up()
    assert "answered 403" in refusal
    assert "durable-zero-downtime:readers" in refusal
    app.configure(readers=READERS)
    app.up()
    assert forms(app) == {PRODUCTION: "identity", STAGING: "identity"}


def test_a_running_stack_goes_over_to_identities_and_back_and_no_hub_is_cut_off(app: App) -> None:
    """With an orchestration that is active on production's hub all the way from keys to identities."""
    app.configure(gate=AT_ONCE, drain="after-swap")
    one = app.want("one")
    app.up()
    ((blue, _), (green, _)) = app.held()
    app.orchestrations(PRODUCTION).put("begun-on-one", "Running")
    by_key = app.orchestrations(PRODUCTION)
    with app.visitor() as visitor:
        # The config alone rewrites no slot: the roles are given ahead of the release that needs them.
        before = app.settings()
        app.configure(access="identity", readers=READERS)
        preview = app.preview()
        assert any("production stays on account keys until its next release" in line for line in preview.plan)
        app.up()
        assert app.settings() == before
        assert assignments(app) == OF_THE_APP + OF_A_READER
        app.stack.succeed("preview", "--expect-no-changes")

        # The next package has the identity; the one before keeps its key, and its store takes it.
        two = app.want("two")
        app.up()
        assert app.held() == ((green, two), (blue, one))
        assert forms(app) == {PRODUCTION: "identity", STAGING: "keys"}
        assert (takes_keys(app, green), takes_keys(app, blue)) == (True, True)
        app.up()
        assert (takes_keys(app, green), takes_keys(app, blue)) == (False, True)
        app.stack.succeed("preview", "--expect-no-changes")
        by_key.put("begun-on-one", "Running")

        # The orchestration holds up the write on its own hub still, and it ends on its own package.
        three = app.want("three")
        assert "begun-on-one" in app.refused_up()
        by_key.finish("begun-on-one")
        app.up()
        assert app.held() == ((blue, three), (green, two))
        assert forms(app) == {PRODUCTION: "identity", STAGING: "identity"}
        app.up()
        assert (takes_keys(app, green), takes_keys(app, blue)) == (False, False)
        app.stack.succeed("preview", "--expect-no-changes")
        assert_no_key_anywhere(app)

        # And back: a store takes keys before a setting has one, and the roles go when no slot needs them.
        app.configure(access="keys")
        app.up()
        assert forms(app) == {PRODUCTION: "identity", STAGING: "identity"}
        assert (takes_keys(app, green), takes_keys(app, blue)) == (False, False)
        four = app.want("four")
        app.up()
        assert app.held() == ((green, four), (blue, three))
        assert forms(app) == {PRODUCTION: "keys", STAGING: "identity"}
        assert (takes_keys(app, green), takes_keys(app, blue)) == (True, False)
        five = app.want("five")
        app.up()
        assert app.held() == ((blue, five), (green, four))
        assert forms(app) == {PRODUCTION: "keys", STAGING: "keys"}
        assert assignments(app) == OF_THE_APP + OF_A_READER
        app.up()
        assert assignments(app) == 1
        app.stack.succeed("preview", "--expect-no-changes")
    assert visitor.failures == []
    assert [package for _, package in visitor.seen] == [one, two, three, four, five]


def test_the_policy_pack_has_nothing_against_it_and_a_roll_back_finds_the_packages_by_identity(app: App) -> None:
    app.configure(access="identity", readers=READERS, gate=AT_ONCE)
    pack = ("--policy-pack", str(REPOSITORY / "policies"))
    one = app.want("one")
    first = app.stack.succeed("preview", *pack)
    assert "[mandatory]" not in first
    up = app.stack.succeed("up", "--yes", "--skip-preview", *pack)
    assert "[mandatory]" not in up
    assert "[advisory]" not in up

    two = app.want("two")
    app.up()
    rolled_back = app.release("rollback", "--json")
    assert json.loads(rolled_back)["outcome"] == "done"
    ((_, running), (_, held)) = app.held()
    assert (running, held) == (one, two)
    listed = json.loads(app.release("packages", "--json"))["packages"]
    assert {each["package"] for each in listed} == {one, two}
