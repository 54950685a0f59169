"""A Functions worker, led over its pipes: `python -m localazure.worker`.

Standard input: a line with a JSON document that says what to run (localazure.worker.start), then the line `join` when
it may take work from its task hub. When standard input ends, by a clean stop or because local Azure was killed, the
process ends at once. On SIGTERM it answers what it was asked, and ends.
Standard output: a line of JSON for each of {"ready": {"port", "functions"}}, {"joined": true} and {"failed": text}.
All that the app itself prints goes to standard error, and it has nothing to read.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from localazure.worker.errors import AppError
from localazure.worker.start import Start

_LOG = logging.getLogger(__name__)


class Pipes:
    """What is asked and answered over the pipes that were standard input and output."""

    def __init__(self) -> None:
        self._asked = os.fdopen(os.dup(0))
        self._answers = os.fdopen(os.dup(1), "w")
        with open(os.devnull) as nothing:  # noqa: PTH123 - a device, no path of the project
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        self._may_join = threading.Event()

    def start(self) -> Start:
        """What to run. From then on the process ends with standard input."""
        start = Start.parse(self._asked.readline())
        threading.Thread(target=self._follow, name="standard-input", daemon=True).start()
        return start

    def when_asked(self, join: Callable[[], None]) -> None:
        """Have this done, in a thread, once it may take work."""

        def wait() -> None:
            self._may_join.wait()
            try:
                join()
            except Exception as error:
                self.fail(error)
                os._exit(1)
            self.tell({"joined": True})

        threading.Thread(target=wait, name="join", daemon=True).start()

    def tell(self, message: dict[str, Any]) -> None:
        self._answers.write(json.dumps(message) + "\n")
        self._answers.flush()

    def fail(self, error: Exception) -> None:
        if isinstance(error, AppError):
            self.tell({"failed": str(error)})
        else:
            _LOG.error("the worker failed", exc_info=error)
            self.tell({"failed": f"the worker failed: {type(error).__name__}: {error}"})

    def _follow(self) -> None:
        for line in self._asked:
            if line.strip() == "join":
                self._may_join.set()
        os._exit(0)


def main() -> None:
    pipes = Pipes()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        start = pipes.start()
        start.take_over_environment()
        asyncio.run(serve(start, pipes))
    except Exception as error:
        pipes.fail(error)
        sys.exit(1)


async def serve(start: Start, pipes: Pipes) -> None:
    # The app's own packages come first on the path, so what shares some with them is imported only now.
    start.extend_path()
    from localazure.worker.app import load
    from localazure.worker.calls import Calls
    from localazure.worker.durable import Durable
    from localazure.worker.http import Server
    from localazure.worker.timers import Timers

    # The app is imported on the loop that its coroutines will run on, as in Azure.
    app = load(start)
    calls = Calls(start, asyncio.get_running_loop())
    server, timers, durable = Server(app, calls), Timers(app, calls), Durable(app, calls)

    def join() -> None:
        durable.join()
        timers.begin()

    pipes.tell({"ready": {"port": server.port, "functions": [function.told for function in app.functions]}})
    pipes.when_asked(join)
    # SIGTERM ends it, and then the process, with what runs for the task hub: the next worker does that again.
    await server.run()


if __name__ == "__main__":
    main()
