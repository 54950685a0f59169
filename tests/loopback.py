"""A small HTTP server on this machine for tests of clients: each request is answered by a function."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias


@dataclass(frozen=True)
class Request:
    """`headers` have their names in lower case; `target` is path and query."""

    method: str
    target: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """`length` stands in for the body's own, None for an answer that ends with the connection."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = -1


Answering: TypeAlias = Callable[[Request], Answer | None]
"""None closes the connection without an answer."""


@contextmanager
def answering(answer: Answering) -> Iterator[str]:
    """The server's address while it runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            given = answer(Request(self.command, self.path, headers))
            self.close_connection = True
            if given is None:
                return
            self.send_response(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            if given.length is not None:
                self.send_header("Content-Length", str(len(given.body) if given.length < 0 else given.length))
            self.end_headers()
            self.wfile.write(given.body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that hangs up in the middle of an answer is no matter."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
