"""Where a command's words go: its answer to stdout, all that it tells on the way to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.text import Text

from durable.connections import redacted
from release.cli.documents import Document, FailureDocument
from release.drain import Verdict
from release.endings import Ending

_PIPE_WIDTH = 200
"""Columns for an answer that goes into a pipe, which has no width: nothing is to be cut off there."""


class Screen:
    """Prints for a person, or with `as_json` one document for a program; with `lines` many, each in its line."""

    def __init__(self, *, as_json: bool, lines: bool = False) -> None:
        self._as_json = as_json
        self._lines = lines
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)

    def tell(self, sentence: str) -> None:
        """A sentence on the way, on stderr."""
        self._err.print(Text(redacted(sentence)))

    @contextmanager
    def waiting(self, doing: str) -> Iterator[Callable[[str], None]]:
        """Gives a function that tells sentences; on a terminal the line below them shows that something goes on."""
        if not self._err.is_terminal:
            yield self.tell
            return
        with self._err.status(Text(doing), spinner="line"):
            yield self.tell

    def show(self, document: Document, human: Callable[[Console], None]) -> None:
        """The command's answer, on stdout: the document, or what `human` prints."""
        if self._as_json:
            sys.stdout.write((document.line() if self._lines else document.text()) + "\n")
        else:
            human(_console())

    def show_part(self, documents: Iterable[Document], human: Callable[[], RenderableType]) -> None:
        """A part of an answer that has more to come, seen at once: the documents, or what `human` gives."""
        if self._as_json:
            sys.stdout.writelines(f"{document.line()}\n" for document in documents)
        else:
            _console().print(human())
        sys.stdout.flush()

    def fail(self, ending: Ending, reason: str) -> None:
        """Why a command couldn't do its part: on stderr for a person, as a document for a program."""
        reason = redacted(reason)
        self.show(FailureDocument(outcome=ending, reason=reason), lambda _: self.tell(reason))


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False, soft_wrap=True)


def readings(tell: Callable[[str], None]) -> Callable[[Verdict], None]:
    """Tells each reading of a store that says something else than those before."""
    told: set[str] = set()

    def report(verdict: Verdict) -> None:
        sentence = verdict.sentence()
        if sentence not in told:
            told.add(sentence)
            tell(sentence)

    return report
