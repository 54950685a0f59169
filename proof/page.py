"""docs/proof.md: the parts of it that are a run's output."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from proof import screen
from proof.picture import draw
from proof.run import Run

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
PAGE: Final = DOCS / "proof.md"
PICTURE: Final = DOCS / "proof.svg"
BEGIN: Final = "<!-- what `python -m proof --docs` printed -->"
END: Final = "<!-- end of what it printed -->"


def write(run: Run) -> None:
    """Put a run's tables between the page's marks, and its picture beside the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    account = run.account
    told = f"Seed {account.seed}, {account.seconds // 60} minutes {account.seconds % 60} seconds:"
    PAGE.write_text(f"{before}{BEGIN}\n\n{told}\n\n{screen.markdown(account)}\n\n{END}{after}")
    PICTURE.write_text(draw(run))
