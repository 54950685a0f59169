"""How much longer a no-op preview takes than an empty program that imports the same azure-native modules.

Both run in turn, in pairs, on the same engine and local Azure; the ratio of each pair is what counts, since machines
differ and drift. Run by `make bench`, after `make up` has built the stack.
"""

from __future__ import annotations

import ast
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAIRS = 5


def azure_native_modules() -> list[str]:
    """The modules of azure-native that the program and its components import."""
    found: set[str] = set()
    for source in [REPOSITORY / "__main__.py", *sorted((REPOSITORY / "components").glob("*.py"))]:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "pulumi_azure_native":
                found.update(alias.name for alias in node.names)
    return sorted(found)


def write_empty_program(folder: Path) -> None:
    (folder / "Pulumi.yaml").write_text(
        "name: empty\nruntime: {name: python, options: {toolchain: pip, virtualenv: .venv}}\n"
    )
    modules = azure_native_modules()
    lines = ["import pulumi", f"from pulumi_azure_native import {', '.join(modules)}"]
    # The SDK loads a module when something of it is asked for, not when it is imported.
    lines += [f"assert hasattr({module}, 'outputs')" for module in modules]
    (folder / "__main__.py").write_text("\n".join(lines) + "\n")
    (folder / ".venv").symlink_to(REPOSITORY / ".venv")


def seconds(command: list[str], folder: Path) -> float:
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - begin


def main() -> None:
    if "PULUMI_HOME" not in os.environ:
        sys.exit('Run it with `make bench`, or after `eval "$(python -m localazure env)"`.')
    quiet = ["--non-interactive", "--stack", "dev"]
    program = ["pulumi", "preview", "--expect-no-changes", *quiet]
    empty = ["pulumi", "preview", *quiet]
    seconds(["pulumi", "up", "--yes", *quiet], REPOSITORY)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_empty_program(folder)
        seconds(["pulumi", "stack", "select", "--create", "dev", "--non-interactive"], folder)
        pairs = [(seconds(program, REPOSITORY), seconds(empty, folder)) for _ in range(PAIRS + 1)][1:]
        seconds(["pulumi", "stack", "rm", "--yes", *quiet], folder)
    print("no-op preview    empty program    ratio")
    for ours, theirs in pairs:
        print(f"{ours:11.2f} s  {theirs:13.2f} s  {ours / theirs:7.2f}")
    print(f"median ratio {statistics.median(ours / theirs for ours, theirs in pairs):.2f} (aim: 1.5 or less)")


if __name__ == "__main__":
    main()
