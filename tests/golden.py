"""Texts that are kept beside the tests and compared to the letter."""

import os
from pathlib import Path


def compare(text: str, expected: Path) -> None:
    """Compare a text with the one that is kept; NETDSL_UPDATE=1 keeps the new one, to be read before a commit."""
    if os.environ.get("NETDSL_UPDATE"):
        expected.write_text(text, "utf-8")
    assert text == expected.read_text("utf-8")
