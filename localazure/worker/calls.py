"""How a function of the app is called: with what it asks for, a coroutine on the process's one event loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func
from starlette.concurrency import run_in_threadpool

from localazure.worker.app import Function
from localazure.worker.client import client_document
from localazure.worker.start import Start


@func.Context.register
@dataclass(frozen=True)
class Invocation:
    """What a function learns of its invocation if it has a parameter `context`."""

    function_name: str
    function_directory: str
    invocation_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    thread_local_storage: Any = field(default_factory=threading.local)
    trace_context: Any = None
    retry_context: Any = None


@dataclass(frozen=True)
class Calls:
    """Calls functions of the app that was started so; coroutines run on this loop, as an app may keep what belongs to
    one, such as a client session."""

    start: Start
    loop: asyncio.AbstractEventLoop

    async def on_loop(self, function: Function, given: Any, here: Start) -> Any:
        """Call it from the loop, for a request that came to this name; what isn't a coroutine runs in a thread."""
        arguments = self._arguments(function, given, here)
        if inspect.iscoroutinefunction(function.call):
            return await function.call(**arguments)
        return await run_in_threadpool(function.call, **arguments)

    def in_thread(self, function: Function, given: Any) -> Any:
        """Call it from a thread, which waits for it."""
        result = function.call(**self._arguments(function, given, self.start))
        if inspect.iscoroutine(result):
            return asyncio.run_coroutine_threadsafe(result, self.loop).result()
        return result

    def _arguments(self, function: Function, given: Any, here: Start) -> dict[str, Any]:
        arguments = {function.parameter: given, **dict.fromkeys(function.clients, client_document(here))}
        if function.takes_context:
            arguments["context"] = Invocation(function.name, str(self.start.folder))
        return arguments
