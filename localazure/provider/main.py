"""The provider's process: serves the engine that started it, and ends with it."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final

import grpc

from engine.protos import load
from localazure.provider.catalogue import Catalogue

if TYPE_CHECKING:
    from localazure.provider.backend import Session
    from localazure.provider.settings import Settings

WORKERS: Final = 32
"""Requests at once; the engine sends as many as its --parallel, 16 for each core by default."""
MESSAGE_LIMIT: Final = 400 * 1024 * 1024
"""Bytes, the engine's own limit for a message."""


def main(arguments: list[str] | None = None) -> None:
    """Serve until the engine is gone. The first argument is the catalogue's file; the engine's address follows."""
    catalogue, *_ = arguments if arguments is not None else sys.argv[1:]
    load()
    from pulumi.runtime.proto import provider_pb2_grpc

    from localazure.provider.servicer import Provider

    # The engine ends its plugins by SIGINT, after Cancel, and waits for them (pulumi, pkg/resource/plugin/plugin.go).
    # A user's Ctrl-C doesn't come here: plugins have a process group of their own.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    options = [("grpc.max_receive_message_length", MESSAGE_LIMIT), ("grpc.max_send_message_length", MESSAGE_LIMIT)]
    server = grpc.server(ThreadPoolExecutor(WORKERS), options=options)
    provider = Provider(Catalogue.load(Path(catalogue)), connect, os.environ)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    # The engine holds the other end of stdin: it ends when the engine does, even killed.
    sys.stdin.buffer.read()
    server.stop(grace=None)


def connect(catalogue: Catalogue, settings: Settings, cancelled: Event) -> Session:
    """Imports the HTTP client only now: the engine has its port by then."""
    from localazure.provider.session import AzureSession

    return AzureSession(catalogue, settings, cancelled)
