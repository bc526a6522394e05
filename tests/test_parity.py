"""Both emitted programs compute the same: every layer, every option that changes the result, three ways."""

from __future__ import annotations

import random

import drawn
import numpy as np
import oracle
import pytest

pytestmark = pytest.mark.usefixtures("fast")

LAYERS = {drawn.drawn(layer).name: layer for layer in drawn.layers()}

SAID_TWICE = {"attention_bare": {"kv_heads": "the channels of the key give it, so that another value is refused"}}
"""Options that cannot be broken on purpose, and why."""


@pytest.mark.parametrize("name", LAYERS)
def test_every_two_options_together(name: str, jax: oracle.Jax) -> None:
    """Every pair of options that the compiler takes agrees in PyTorch, Keras on torch and Keras on JAX."""
    networks, _ = drawn.pairwise(LAYERS[name])
    assert networks, "nothing was drawn"
    wrong = [problem for text in networks if (problem := oracle.disagreement(text, jax))]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("name", LAYERS)
def test_an_option_that_is_broken_is_seen(name: str) -> None:
    """For each option there is a network on which a program with another value of it does not pass."""
    layer = LAYERS[name]
    factors = drawn.drawn(layer).factors
    unseen = [
        factor
        for factor in drawn.options(layer)
        if len(factors[factor]) > 1
        and factor not in SAID_TWICE.get(name, ())
        and not _is_seen(layer, factor, factors[factor])
    ]
    assert not unseen, f"changing {unseen} changes nothing"


def _is_seen(layer: type, factor: str, texts: tuple[str, ...]) -> bool:
    """Whether, on some drawn network, a PyTorch program with another value of an option differs from the Keras one."""
    generator = random.Random(0)
    for text, choice in drawn.pairwise(layer)[0].items():
        for other in generator.sample(texts, len(texts)):
            changed = drawn.text_of(layer, {**choice, factor: other})
            if other == choice[factor] or not drawn.is_valid(changed):
                continue
            if oracle.differ(text, changed):
                return True
    return False


def test_a_difference_is_measured() -> None:
    """The measure of outputs sees a wrong shape, a wrong value, and what is not a number."""
    one = [np.array([[1.0, -2.0]])]
    assert oracle.difference(one, one) == 0
    assert oracle.difference(one, [np.array([[1.0, -2.001]])]) > oracle.TOLERANCE
    assert oracle.difference(one, [np.array([[1.0], [-2.0]])]) == float("inf")
    assert oracle.difference(one, [np.array([[1.0, np.nan]])]) == float("inf")
