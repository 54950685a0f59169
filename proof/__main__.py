"""`python -m proof`: releases and orchestrations, and the account of them. Exit code 1 if anything came to harm."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from datetime import datetime
from pathlib import Path

from rich.console import Console

import engine
from proof import page, screen
from proof.releases import UnexpectedError
from proof.run import Options, OutOfTimeError, run
from release.planner import Drain


def main() -> None:
    parser = _parser()
    args = parser.parse_args()
    drains = tuple(Drain) if args.drain == "both" else (Drain(args.drain),)
    options = Options(
        args.seed, args.releases, args.orchestrations, args.minutes, drains, args.rate, args.minute, args.tracking
    )
    console = Console(highlight=False, soft_wrap=True)
    told = Console(highlight=False, soft_wrap=True, stderr=True)
    # So that whoever ends it leaves neither a local Azure nor a release behind.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    engine.ensure(told.print)
    try:
        done = run(options, lambda text: told.print(f"{datetime.now():%T} {text}", markup=False))
    except (UnexpectedError, OutOfTimeError) as error:
        sys.exit(str(error))
    screen.show(done.account, console)
    if args.json is not None:
        args.json.write_text(json.dumps(done.account.to_json(), indent=2) + "\n")
    if args.docs:
        page.write(done)
    sys.exit(not done.account.is_good)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m proof", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed gives the same scenes and load")
    parser.add_argument("--releases", type=int, default=24, metavar="N", help="how many releases, at least")
    parser.add_argument("--orchestrations", type=int, default=2000, metavar="N", help="how many of them, at least")
    parser.add_argument("--minutes", type=float, default=30, metavar="N", help="give up after so many")
    parser.add_argument("--drain", choices=("both", *Drain), default="both", help="the mode, or one after the other")
    parser.add_argument("--rate", type=float, default=3.0, metavar="N", help="orchestrations a second")
    parser.add_argument(
        "--minute",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="what stands for a minute of an orchestration's wait",
    )
    parser.add_argument("--tracking", action="store_true", help="give the app a tracking store")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the account as JSON, too")
    parser.add_argument("--docs", action="store_true", help="write tables and picture into docs/proof.md, too")
    return parser


if __name__ == "__main__":
    main()
