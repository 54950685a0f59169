"""A Functions worker, led over its pipes: `python -m localazure.worker`.

Standard input: a line with a JSON document that says what to run (localazure.worker.start), then the line `join` when
it may take work from its task hub. When standard input ends, by a clean stop or because local Azure was killed, the
process ends at once. On SIGTERM it answers what it was asked, and ends.
Standard output: a line of JSON for each of {"ready": {"port", "functions"}}, {"joined": true} and {"failed": text}.
All that the app itself prints goes to standard error.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from typing import Any, TextIO

from localazure.worker.errors import AppError
from localazure.worker.start import Start


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    start = Start.parse(sys.stdin.readline())
    start.take_over_environment()
    try:
        serve(start, answers)
    except AppError as error:
        tell(answers, {"failed": str(error)})
        sys.exit(1)


def serve(start: Start, answers: TextIO) -> None:
    # The app's own packages come first on the path, so what shares some with them is imported only now.
    start.extend_path()
    from localazure.worker.app import load
    from localazure.worker.durable import Durable
    from localazure.worker.http import Server
    from localazure.worker.loop import Loop
    from localazure.worker.timers import Timers

    app = load(start)
    loop = Loop()
    durable = Durable(start, app, loop)
    timers = Timers(start, app, loop)
    server = Server(start, app, loop)

    def follow() -> None:
        for line in sys.stdin:
            if line.strip() == "join":
                durable.join()
                timers.begin()
                tell(answers, {"joined": True})
        os._exit(0)

    tell(answers, {"ready": {"port": server.port, "functions": [function.told for function in app.functions]}})
    threading.Thread(target=follow, name="standard-input", daemon=True).start()
    # SIGTERM ends it, and then the process, with what runs for the task hub: the next worker does that again.
    server.run()


def tell(answers: TextIO, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
