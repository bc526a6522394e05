"""Fuzzing of the compiler: texts of any kind, and what has to hold whatever a text says. README.md says how."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

if str(ROOT / "tests") not in sys.path:  # what draws and reduces programs for the tests does so here too
    sys.path.append(str(ROOT / "tests"))
