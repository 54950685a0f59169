"""`python -m engine`: make sure that there is an engine, and say which one is in use."""

from __future__ import annotations

import argparse
import json
import signal
import sys

from engine import Engine, EngineError, ensure


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m engine", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print bin, pulumi, version and official as JSON")
    arguments = parser.parse_args()
    terminal = sys.stderr.isatty()
    try:
        engine = ensure(_line, _redraw if terminal else None)
    except EngineError as error:
        _line(str(error))
        return 1
    except KeyboardInterrupt:
        _line("Stopped. The next run goes on from what Go has cached.")
        return 130
    print(_as_json(engine) if arguments.json else _sentence(engine))
    return 0


def _line(text: str) -> None:
    blank = "\r\x1b[K" if sys.stderr.isatty() else ""
    print(f"{blank}{text}", file=sys.stderr, flush=True)


def _redraw(text: str) -> None:
    print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _as_json(engine: Engine) -> str:
    return json.dumps(
        {
            "bin": str(engine.bin),
            "pulumi": str(engine.pulumi),
            "version": engine.version,
            "official": engine.official,
        }
    )


def _sentence(engine: Engine) -> str:
    origin = "installed" if engine.official else "built from its Go modules"
    return f"Pulumi {engine.version}, {origin}: {engine.pulumi}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that Go ends with us
    sys.exit(main())
