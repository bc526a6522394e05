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

pytestmark = pytest.mark.usefixtures("fast")

FORMS = programs.all_forms()
EXAMPLES = max(4, -(-300 // len(FORMS)))
"""Programs for each form of a layer, together at least 300."""
MOST_SEEDS = 2000
"""Programs with one layer, of which some has to have each of its options."""


@pytest.mark.parametrize("name", FORMS)
def test_drawn_programs_mean_the_same(name: str, jax: oracle.Jax) -> None:
    """Counts, shapes, weights and outputs agree; each layer begins some programs, and stands anywhere in others."""
    reached: set[str] = set()
    compared: set[str] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        report_multiple_bugs=False,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(programs.programs(FORMS[name]))
    def agree(text: str) -> None:
        judgement = oracle.judge(text, lambda: jax)
        if judgement.disagreement:
            raise AssertionError(judgement.disagreement)
        reached.update(programs.features(text))
        if not judgement.is_constant and not judgement.is_unstable:
            compared.add(text)

    agree()
    assert name in reached, "never drawn"
    assert compared, "no output says anything of what it was made from"


def test_drawn_programs_have_every_form_of_the_language() -> None:
    wanted = set(programs.language_features())
    for seed in range(100):
        wanted -= programs.features(programs.program(Random(seed)))
    assert not wanted, f"never drawn: {sorted(wanted)}"


@pytest.mark.parametrize("name", FORMS)
def test_every_option_can_be_drawn(name: str) -> None:
    """Each argument is drawn with another value than its default, given time."""
    declared = arguments(FORMS[name]).items()
    wanted = {name, *(f"{name} {option}" for option, one in declared if one.role != "word" or one.words[1:])}
    for seed in range(MOST_SEEDS):
        if not wanted:
            break
        wanted -= programs.features(programs.stage_of(Random(seed), FORMS[name]))
    assert not wanted, f"never drawn: {sorted(wanted)}"


@pytest.mark.parametrize("target", ["torch", "keras"])
def test_a_wrong_weight_is_seen(target: str) -> None:
    """Most programs with weights tell their outputs from those with other weights."""
    seen = tried = 0
    for seed in range(30):
        network = oracle.network_of(programs.program(Random(seed)))
        weights, inputs = oracle.random_weights(network), oracle.random_inputs(network)
        if not weights or not inputs:
            continue
        for_torch, for_keras = oracle.emit_both(network)
        run, emitted = (oracle.by_torch, for_torch) if target == "torch" else (oracle.by_keras, for_keras)
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
