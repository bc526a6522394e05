"""Chooses the backend of Keras before anything imports it (a process has one), and holds the judging frameworks."""

import os
from collections.abc import Iterator

import pytest

os.environ["KERAS_BACKEND"] = "torch"


@pytest.fixture(scope="session")
def fast() -> None:
    """Frameworks that do not spend their time on random numbers which are written over."""
    import oracle

    oracle.fast_keras()


@pytest.fixture(scope="session")
def jax(fast: None) -> Iterator[object]:
    """Keras on JAX."""
    import oracle

    worker = oracle.Jax()
    yield worker
    worker.close()
