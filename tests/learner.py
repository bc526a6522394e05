"""Trains an emitted program on the digits of scikit-learn as a tutorial does: `learner.py torch FILE NAME`.

Prints the accuracy on digits that were held back, before and after, and the seconds that the training took. It has a
process of its own, because the other tests let Keras start from zeros.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import time
from typing import Any

import numpy as np

EPOCHS, BATCH, SEED = 14, 32, 0


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return 1437 pictures of 8x8x1 to learn from and 360 to be tested on, and the labels of both."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pictures, labels = load_digits(return_X_y=True)
    pictures = (pictures / 16).reshape(-1, 8, 8, 1).astype(np.float32)
    x, x_test, y, y_test = train_test_split(pictures, labels, test_size=360, stratify=labels, random_state=SEED)
    return x, y, x_test, y_test


def by_torch(module: dict[str, Any], name: str) -> tuple[float, float, float]:
    """Train the PyTorch program."""
    import torch

    x, y, x_test, y_test = map(torch.from_numpy, digits())
    x, x_test = x.movedim(-1, 1), x_test.movedim(-1, 1)
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    model = module[name]()
    optimizer = module["make_optimizer"](model)

    def accuracy() -> float:
        model.eval()
        with torch.no_grad():
            return (model(x_test).argmax(1) == y_test).float().mean().item()

    before, start = accuracy(), time.perf_counter()
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(BATCH):
            module["training_step"](model, optimizer, x[batch], y[batch])
    return before, accuracy(), time.perf_counter() - start


def by_keras(module: dict[str, Any], name: str) -> tuple[float, float, float]:
    """Train the Keras program."""
    import keras
    import torch

    x, y, x_test, y_test = digits()
    keras.utils.set_random_seed(SEED)
    torch.set_num_threads(1)
    model = module[name]()
    module["compile_model"](model)

    def accuracy() -> float:
        return float((model.predict(x_test, verbose=0).argmax(1) == y_test).mean())

    before, start = accuracy(), time.perf_counter()
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return before, accuracy(), time.perf_counter() - start


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "torch"
    target, file, name = sys.argv[1:]
    print(json.dumps({"torch": by_torch, "keras": by_keras}[target](runpy.run_path(file), name)))
