"""`python -m release.package`: builds the sample app's package."""

from __future__ import annotations

import sys
from pathlib import Path

from release.package import PackageError
from release.package.build import build

REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> None:
    output = REPOSITORY / "build" / "functions.zip"
    try:
        package = build(REPOSITORY / "functions", output)
    except PackageError as error:
        sys.exit(str(error))
    print(f"{output.relative_to(REPOSITORY)}  sha256 {package.sha256}")


if __name__ == "__main__":
    main()
