"""`python -m localazure` with any Python 3: goes on under the repository's .venv, where its packages are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

VENV = Path(__file__).resolve().parents[1] / ".venv"


def main() -> None:
    python = VENV / "bin" / "python"
    if not python.exists():
        sys.exit("Local Azure's Python packages aren't installed: run `make setup` first.")
    if Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(python, [str(python), "-m", "localazure", *sys.argv[1:]])  # noqa: S606
    try:
        from localazure.cli import main as run
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "localazure":
            raise
        sys.exit(f"Local Azure's Python packages aren't complete ({missing.name} is missing): run `make setup`.")
    run()


main()
