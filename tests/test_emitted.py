"""The programs in examples/emitted/: what the emitters write today, kept to be read.

`NETDSL_UPDATE=1 pytest tests/test_emitted.py` writes them anew; read what changed as a reviewer would.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from golden import compare

import netdsl
from netdsl.emit import TARGETS

EXAMPLES = Path(__file__).parents[1] / "examples"
EMITTED = EXAMPLES / "emitted"
PROGRAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "convnext_tiny": ("zoo/convnext.net", {}),
    "densenet_121": ("zoo/densenet.net", {}),
    "gpt2": ("zoo/gpt2.net", {}),
    "mobilenet_v2": ("zoo/mobilenet_v2.net", {}),
    "mobilenet_v3": ("zoo/mobilenet_v3.net", {}),
    "question": ("cnn.net", {}),
    "resnet_50": ("zoo/resnet.net", {"depth": 50}),
    "transformer": ("zoo/transformer.net", {}),
    "unet": ("zoo/unet.net", {}),
    "vgg_16": ("zoo/vgg.net", {}),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_kept_program_is_what_is_written(name: str, target: str) -> None:
    file, settings = PROGRAMS[name]
    compare(netdsl.load(EXAMPLES / file, **settings).emit(target), EMITTED / f"{name}_{target}.py")


def test_no_other_program_is_kept() -> None:
    assert {path.name for path in EMITTED.glob("*.py")} == {f"{name}_{t}.py" for name in PROGRAMS for t in TARGETS}
