"""One local Azure and one copy of the program for each test that drives the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from tests.e2e.app import App
from tests.e2e.local import LocalAzure, Stack

__all__ = ["LocalAzure", "Stack"]


@pytest.fixture(scope="session")
def engine_in_use() -> engine.Engine:
    return engine.ensure(print)


@pytest.fixture
def azure(tmp_path: Path, engine_in_use: engine.Engine) -> Iterator[LocalAzure]:
    assert engine_in_use.pulumi.exists()
    local = LocalAzure(tmp_path / "azure")
    local.start("--port", "0")
    yield local
    local.stop()


@pytest.fixture
def stack(tmp_path: Path, azure: LocalAzure) -> Stack:
    return Stack.make(tmp_path / "program", azure)


@pytest.fixture
def app(azure: LocalAzure, stack: Stack) -> Iterator[App]:
    """The stack's app, not yet deployed. At the end it must be clean, whatever the test was about."""
    made = App(azure, stack)
    yield made
    made.assert_clean()
