"""Programs drawn over the whole language mean the same in PyTorch and in Keras, and what the compiler says of them."""

from __future__ import annotations

import functools
from random import Random

import numpy as np
import oracle
import programs
import pytest
from hypothesis import HealthCheck, given, settings
from reduced import reduced

from netdsl.layer import arguments
from netdsl.layers import forms, keywords

pytestmark = pytest.mark.usefixtures("fast")

EXAMPLES = 300
FEW = EXAMPLES // 20
MOST_SEEDS = 2000
"""Programs with one layer, of which some has to have each of its options."""


def test_drawn_programs_mean_the_same(jax: oracle.Jax) -> None:
    """Counts, shapes, weights and outputs agree, and the programs together reach all that the language has."""
    reached: set[str] = set()
    constant: set[str] = set()
    unstable: set[str] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        report_multiple_bugs=False,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(programs.programs)
    def agree(text: str) -> None:
        judgement = oracle.judge(text, lambda: jax)
        if judgement.disagreement:
            raise AssertionError(judgement.disagreement)
        reached.update(programs.features(text))
        if judgement.is_constant:
            constant.add(text)
        if judgement.is_unstable:
            unstable.add(text)

    agree()
    unreached = programs.all_features() - reached
    assert not unreached, f"never drawn: {sorted(unreached)}"
    assert len(constant) <= FEW, "outputs that say nothing of what they were made from"
    assert len(unstable) <= FEW, "outputs that are made of roundings"


@pytest.mark.parametrize("keyword", keywords())
def test_every_option_can_be_drawn(keyword: str) -> None:
    """Each argument of each form is drawn with another value than its default, given time."""
    for form in forms(keyword):
        declared = arguments(form).items()
        wanted = {f"{programs.form_name(form)} {name}" for name, one in declared if one.role != "word" or one.words[1:]}
        wanted |= {keyword, programs.form_name(form)}
        for seed in range(MOST_SEEDS):
            if not wanted:
                break
            wanted -= programs.features(programs.program_with(Random(seed), form))
        assert not wanted, f"never drawn: {sorted(wanted)}"


@pytest.mark.parametrize("target", ["torch", "keras"])
def test_a_wrong_weight_is_seen(target: str) -> None:
    """Most programs with weights tell their outputs from those with other weights."""
    seen = tried = 0
    for seed in range(30):
        network = oracle.network_of(programs.program(Random(seed)))
        weights, inputs = oracle.random_weights(network), oracle.random_inputs(network)
        for_torch, for_keras = oracle.emit_both(network)
        run, emitted = (oracle.by_torch, for_torch) if target == "torch" else (oracle.by_keras, for_keras)
        if not weights:
            continue
        other = {key: np.asarray(2 * array + 0.5, np.float32) for key, array in weights.items()}
        tried += 1
        apart = oracle.difference(run(emitted, weights, inputs).outputs, run(emitted, other, inputs).outputs)
        seen += apart > oracle.TOLERANCE
    assert tried >= 15 and seen >= 0.9 * tried


def test_a_program_is_made_smaller() -> None:
    """What is left of a program shows what was looked for, and nothing else that can be left out."""
    text = """
        const few = 3
        block unit c act=relu: (conv c@3 same as inner | act) | bn
        let a = in 9x7x2 as image | unit 4 | concat(unit few, (pool 3/1 same | softplus) as side) | dense 3
        out a | relu
        aux image | tanh
    """
    assert programs.compiled(text) is not None

    @functools.cache
    def is_wanted(candidate: str) -> bool:
        return "softplus" in candidate and programs.compiled(candidate) is not None

    assert reduced(text, is_wanted).split() == ["let", "a", "=", "in", "9x7x2", "|", "softplus", "out", "a"]
