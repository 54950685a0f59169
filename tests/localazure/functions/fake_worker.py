"""Speaks as a worker does, and runs no app: what it does is said by the file `functions.json` of the package.

{"fail": text}: it can't load the app. {"slow": seconds}: a request takes so long. Orchestrators, by name, are lists of
activities; an activity's name is what it returns, and one whose name is a file's path waits until that is there.
Started as `python -m tests.localazure.functions.fake_worker`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from durabletask.worker import TaskHubGrpcWorker


def main() -> None:
    start = json.loads(sys.stdin.readline())
    app = json.loads((Path(start["folder"]) / "functions.json").read_text())
    if "fail" in app:
        say({"failed": app["fail"]})
        sys.exit(1)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(start, app))
    server.daemon_threads = False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    functions = [{"name": name, "kind": "orchestrationTrigger"} for name in app.get("orchestrators", {})]
    say({"ready": {"port": server.server_address[1], "functions": functions}})

    def stop(*_: object) -> None:
        server.shutdown()
        server.server_close()
        os._exit(0)

    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=stop).start())
    for line in sys.stdin:
        if line.strip() == "join":
            join(start["hub"]["address"], app.get("orchestrators", {}))
            say({"joined": True})
    os._exit(0)


def say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def join(address: str, orchestrators: dict[str, list[str]]) -> None:
    worker = TaskHubGrpcWorker(host_address=address)

    def run(name: str, _: Any) -> str:
        while name.startswith("/") and not Path(name).exists():
            time.sleep(0.01)
        return name

    for name in {each for names in orchestrators.values() for each in names}:

        def activity(context: Any, given: Any, name: str = name) -> str:  # noqa: ARG001
            return run(name, given)

        activity.__name__ = name
        worker.add_activity(activity)
    for orchestrator, names in orchestrators.items():

        def orchestrate(context: Any, given: Any, names: list[str] = names) -> Any:  # noqa: ARG001
            done = []
            for each in names:
                if each.startswith("event:"):
                    done.append((yield context.wait_for_external_event(each.removeprefix("event:"))))
                else:
                    done.append((yield context.call_activity(each, input=None)))
            return done

        orchestrate.__name__ = orchestrator
        worker.add_orchestrator(orchestrate)
    worker.start()  # type: ignore[no-untyped-call]


def handler(start: dict[str, Any], app: dict[str, Any]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            time.sleep(app.get("slow", 0))
            site = json.loads(self.headers["X-LocalAzure-Site"])
            told = {
                "site": site,
                "path": self.path,
                "host": self.headers["Host"],
                "body": body.decode(),
                "pid": os.getpid(),
            }
            content = json.dumps({**told, "start": start}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


if __name__ == "__main__":
    main()
