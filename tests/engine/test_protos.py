from __future__ import annotations

import subprocess
import sys

from engine.assemble import PROJECT


def run(program: str) -> list[str]:
    """What a Python process of its own prints: what this one has imported already stays out of it."""
    return subprocess.check_output([sys.executable, "-c", program], cwd=PROJECT, text=True).splitlines()


def test_the_stubs_are_there_without_the_sdk() -> None:
    assert run(
        """
import sys
from engine import protos
protos.load()
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, provider_pb2_grpc
print(language_pb2.RunResponse(bail=True).bail)
print("pulumi.output" in sys.modules)
"""
    ) == ["True", "False"]


def test_an_sdk_that_is_loaded_stays_as_it_is() -> None:
    assert run(
        """
import pulumi
from engine import protos
protos.load()
from pulumi.runtime.proto import language_pb2
print(pulumi.Output.__name__)
"""
    ) == ["Output"]


def test_a_missing_sdk_is_named_with_what_to_do() -> None:
    assert run(
        """
import sys
sys.path = [path for path in sys.path if "site-packages" not in path]
from engine import protos
try:
    protos.load()
except ModuleNotFoundError as error:
    print(error)
"""
    ) == ["The Python package `pulumi` isn't installed: run `make setup`."]
