from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pulumi

from components.hooks import waiting_hook
from tests.components.engine import run


def called(work: Callable[[Mapping[str, Any]], None], inputs: Callable[[], dict[str, Any]] = dict[str, Any]) -> object:
    """What comes of a hook's call as the engine makes it: None, or the error that refuses the change."""
    outcome: list[object] = []

    def program() -> pulumi.Output[None]:
        hook = waiting_hook("gate", work)

        async def call() -> None:
            try:
                made = hook(pulumi.ResourceHookArgs("urn", "", "name", "type", new_inputs=inputs()))
                assert made is not None
                await made
            except Exception as error:
                outcome.append(error)
            else:
                outcome.append(None)

        return pulumi.Output.from_input(call())

    run(program)
    assert len(outcome) == 1
    return outcome[0]


def test_the_work_is_given_the_new_inputs_with_secrets_unwrapped() -> None:
    seen: list[Mapping[str, Any]] = []

    def inputs() -> dict[str, Any]:
        return {"properties": {"A": pulumi.Output.secret("hush"), "B": "1"}, "name": "orders"}

    assert called(seen.append, inputs) is None
    assert seen == [{"properties": {"A": "hush", "B": "1"}, "name": "orders"}]


def test_what_the_work_raises_refuses_the_change_in_its_own_words() -> None:
    def work(_: Mapping[str, Any]) -> None:
        raise RuntimeError("two instances still run")

    refused = called(work)
    assert isinstance(refused, RuntimeError)
    assert str(refused) == "two instances still run"


def test_the_loop_goes_on_while_the_work_waits_in_a_thread_that_no_exit_waits_for() -> None:
    daemons: list[bool] = []

    def program() -> pulumi.Output[None]:
        go_on = threading.Event()

        def work(_: Mapping[str, Any]) -> None:
            daemons.append(threading.current_thread().daemon)
            assert go_on.wait(10)

        hook = waiting_hook("gate", work)

        async def call() -> None:
            async def let_go() -> None:
                go_on.set()

            made = hook(pulumi.ResourceHookArgs("urn", "", "name", "type"))
            assert made is not None
            await asyncio.gather(made, let_go())

        return pulumi.Output.from_input(call())

    run(program)
    assert daemons == [True]


def test_previews_do_not_call_it() -> None:
    hooks: list[pulumi.ResourceHook] = []
    run(lambda: hooks.append(waiting_hook("gate", lambda _: None)))
    assert hooks[0].opts is None
