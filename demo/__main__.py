"""`python -m demo`: about a minute."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from demo.azure import local_azure, program
from demo.story import tell
from demo.terminal import FailedError, Terminal


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo", description="A release told on the terminal.")
    parser.add_argument("--pause", type=float, default=1.0, metavar="SECONDS", help="how long an orchestration runs on")
    pause: float = parser.parse_args().pause
    with tempfile.TemporaryDirectory(prefix="demo-") as name, local_azure(Path(name)):
        folder = program(Path(name))
        try:
            tell(Terminal(folder), folder, pause)
        except FailedError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
