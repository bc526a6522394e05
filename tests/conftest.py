"""Chooses the backend of Keras before anything imports it (a process has one), and holds what several tests need."""

import os
from collections.abc import Iterator

import pytest

os.environ["KERAS_BACKEND"] = "torch"


@pytest.fixture(scope="session", autouse=True)
def no_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever lies above the folders of tests, they have no settings of lint but their own."""
    (tmp_path_factory.getbasetemp() / "netdsl.toml").write_text("")


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
