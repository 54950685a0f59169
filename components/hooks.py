"""Resource hooks that take their time: a thread of their own, so that the rest of the program goes on."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pulumi


def waiting_hook(name: str, work: Callable[[Mapping[str, Any]], None]) -> pulumi.ResourceHook:
    """A hook that hands `work` the resource's new inputs, secrets unwrapped, and refuses the change if it raises.

    It doesn't run in previews. The thread is a daemon, so that an interrupted run ends without waiting for it.
    """

    async def hook(args: pulumi.ResourceHookArgs) -> None:
        inputs = await pulumi.Output.from_input(dict(args.new_inputs or {})).future()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def settle(error: BaseException | None) -> None:
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        def body() -> None:
            try:
                work(inputs or {})
            except Exception as error:
                loop.call_soon_threadsafe(settle, error)
            else:
                loop.call_soon_threadsafe(settle, None)

        # What the SDK knows of the run, its engine among it, is in context variables.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(body,), name=name, daemon=True).start()
        await done

    return pulumi.ResourceHook(name, hook)
