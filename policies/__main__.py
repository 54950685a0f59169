"""Run by the engine for `--policy-pack policies`: serves the pack."""

from __future__ import annotations

import sys
from pathlib import Path

# The engine starts this file with the pack's own folder on the path, and not the folder that holds the packages.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policies.pack import serve

serve()
