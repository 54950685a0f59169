"""Ten thousand random histories of an app, checked for what must always hold. Run by `make bench`; takes a number too.

`make test` runs a few hundred of the same.
"""

from __future__ import annotations

import sys
import time

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.release.machine import Releases


def main() -> None:
    histories = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    begin = time.perf_counter()
    chosen = settings(
        max_examples=histories,
        stateful_step_count=25,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Releases, settings=chosen)
    print(f"{histories} random histories of up to 25 steps: no invariant broken, {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
