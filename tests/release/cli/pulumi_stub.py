"""Stands in for the command `pulumi`: it writes down what it is asked for, and does what a test has prepared.

In its folder: `asked` is what it was asked for, a JSON list a line; `config` is what `up` found in its config file;
`journal` is what a run of the program tells; `stderr` is what `up` fails with; `state` is what `stack export` answers.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

FOLDER = Path(os.environ["STUB_FOLDER"])


def value(args: list[str], option: str) -> str:
    return args[args.index(option) + 1]


def up(args: list[str]) -> int:
    shutil.copyfile(value(args, "--config-file"), FOLDER / "config")
    if (FOLDER / "journal").exists():
        shutil.copyfile(FOLDER / "journal", os.environ["RELEASE_JOURNAL"])
    if (FOLDER / "ready").exists():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        (FOLDER / "ready").write_text("up")
        signal.sigwait({signal.SIGINT})
        sys.stderr.write("error: update canceled\n")
        return 1
    if (FOLDER / "stderr").exists():
        sys.stderr.write((FOLDER / "stderr").read_text())
        return 1
    return 0


def main() -> int:
    args = [arg for arg in sys.argv[1:] if arg != "--non-interactive"]
    with (FOLDER / "asked").open("a") as file:
        file.write(json.dumps(args) + "\n")
    match args:
        case ["version"]:
            print("v3.259.0")
        case ["stack", "--show-name"] if "STUB_SELECTED" in os.environ:
            print(os.environ["STUB_SELECTED"])
        case ["stack", "--show-name"]:
            sys.stderr.write("error: no stack selected\n")
            return 1
        case ["config", "--show-secrets", *_]:
            print(json.dumps({"durable-zero-downtime:site": {"value": "orders", "secret": False}}))
        case ["config", "set-all", *rest]:
            with Path(value(rest, "--config-file")).open("a") as file:
                file.write(value(rest, "--json"))
        case ["up", *rest]:
            return up(rest)
        case ["stack", "export", *_]:
            sys.stdout.write((FOLDER / "state").read_text())
        case ["stack", "history", *_]:
            print(json.dumps([_SUMMARY]))
        case _:
            print("{}")
    return 0


_SUMMARY = {
    "kind": "update",
    "startTime": "2026-07-01T08:00:00.000Z",
    "endTime": "2026-07-01T08:00:00.000Z",
    "message": "",
    "environment": {},
    "config": {},
    "result": "succeeded",
}

if __name__ == "__main__":
    sys.exit(main())
