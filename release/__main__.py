"""`python -m release`: the steps of a release from a terminal or a pipeline."""

from release.cli.app import main

if __name__ == "__main__":
    main()
