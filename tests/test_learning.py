"""Both programs of LeNet-5 learn to read digits, from the training that a text asks for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import netdsl
from netdsl.emit import TARGETS

ROOT = Path(__file__).parents[1]
TRAIN = "\ntrain loss=cross_entropy_logits target=10 labels=index optimizer=adam rate=2e-3\n"
"""What is added to the LeNet of the examples, whose input is enlarged: 8x8 is too small for its windows."""


@pytest.mark.parametrize("target", TARGETS)
def test_lenet_learns_to_read_digits(target: str, tmp_path: Path) -> None:
    """Of 360 digits that it has not seen it reads 95 % at least, after a training of less than a minute."""
    text = (ROOT / "examples" / "lenet5.net").read_text("utf-8")
    assert "in 32x32x1\n" in text
    net = netdsl.compile(text.replace("in 32x32x1\n", "in 8x8x1 | up 4\n") + TRAIN, name="lenet5")
    assert net.parameters.total == 61_706
    program = tmp_path / "program.py"
    program.write_text(net.emit(target))
    name = {"torch": "Lenet5", "keras": "lenet5"}[target]
    learner = Path(__file__).with_name("learner.py")
    done = subprocess.run([sys.executable, learner, target, program, name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    before, after, seconds = json.loads(done.stdout.splitlines()[-1])
    print(f"{target}: {before:.1%} before, {after:.1%} after {seconds:.1f} s")
    assert before < 0.3
    assert after >= 0.95
    assert seconds < 60
