"""How long the whole process `netdsl summary -e '...'` takes, as a multiple of `python -c pass`, and others beside it.

Builds the wheel, installs it into a new virtual environment, and runs all commands in turn, round after round; what is
printed are medians. The same job with Keras and with torchinfo runs on the Python that runs this script.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

CHECKOUT = Path(__file__).parents[1]
QUESTION = "in 100x100x1 | conv 60@7x7 valid | conv 100@5x5 | pool 2 weighted | dense 250 | dense 200 | dense 1"
ANSWER = "50,828,951"
LIMIT = 12
EMPTY = "python -c pass"
FORBIDDEN = ("torch", "keras", "jax", "tensorflow", "numpy", "rich")

WITH_KERAS = """
import keras
from keras import layers

class Weighted(layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight((shape[-1],), "ones", name="scale")
        self.bias = self.add_weight((shape[-1],), "zeros", name="bias")

    def call(self, x):
        return x * self.scale + self.bias

keras.Sequential([
    keras.Input((100, 100, 1)), layers.Conv2D(60, 7), layers.Conv2D(100, 5), layers.MaxPooling2D(2), Weighted(),
    layers.Flatten(), layers.Dense(250), layers.Dense(200), layers.Dense(1),
]).summary()
"""

WITH_TORCHINFO = """
import torch
import torchinfo
from torch import nn

class Weighted(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x):
        return x * self.scale + self.bias

print(torchinfo.summary(nn.Sequential(
    nn.Conv2d(1, 60, 7), nn.Conv2d(60, 100, 5), nn.MaxPool2d(2), Weighted(100), nn.Flatten(),
    nn.Linear(45 * 45 * 100, 250), nn.Linear(250, 200), nn.Linear(200, 1),
), input_size=(1, 1, 100, 100), device="cpu", verbose=0))
"""

Command = tuple[list[str], dict[str, str]]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how long `netdsl summary` takes from start to end.")
    parser.add_argument("--rounds", type=int, default=21, help="of netdsl and of an empty Python (21)")
    parser.add_argument("--framework-rounds", type=int, default=3, help="of Keras and torchinfo (3); 0 leaves them out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        python = install(Path(folder))
        clean = clean_environment()
        empty: Command = ([str(python), "-c", "pass"], clean)
        own: dict[str, Command] = {
            EMPTY: empty,
            "netdsl summary": ([str(python.with_name("netdsl")), "summary", "-e", QUESTION], clean),
        }
        others: dict[str, Command] = {
            EMPTY: empty,
            "Keras on JAX": ([sys.executable, "-c", WITH_KERAS], {**clean, "KERAS_BACKEND": "jax"}),
            "Keras on PyTorch": ([sys.executable, "-c", WITH_KERAS], {**clean, "KERAS_BACKEND": "torch"}),
            "PyTorch, torchinfo": ([sys.executable, "-c", WITH_TORCHINFO], clean),
        }
        ratio = measure(own, options.rounds, Path(folder))["netdsl summary"]
        if options.framework_rounds:
            measure(others, options.framework_rounds, Path(folder))
        loaded = imported(python, Path(folder))
    found = [name for name in FORBIDDEN if name in loaded]
    print(f"\nat most {LIMIT} times is wanted: {'yes' if ratio <= LIMIT else 'NO'}")
    print(f"of {', '.join(FORBIDDEN)}, the process of netdsl imported {', '.join(found) or 'none'}")
    return int(ratio > LIMIT or bool(found))


def install(folder: Path) -> Path:
    """Build the wheel, install it into a new virtual environment, and return the Python of that."""
    pip = ["-m", "pip", "--disable-pip-version-check", "--quiet"]
    run([sys.executable, *pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(CHECKOUT)], clean_environment())
    run([sys.executable, "-m", "venv", str(folder / "environment")], clean_environment())
    python = folder / "environment" / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    run([str(python), *pip, "install", str(wheel)], clean_environment())
    return python


def clean_environment() -> dict[str, str]:
    """Return the environment without what changes Python's start; bytecode is written, as for any user."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def run(command: list[str], environment: dict[str, str], cwd: Path | None = None) -> str:
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def measure(commands: dict[str, Command], rounds: int, folder: Path) -> dict[str, float]:
    """Print and return the median time of each command, as a multiple of that of an empty Python.

    They take turns, after a round that is not counted.
    """
    times: dict[str, list[float]] = {name: [] for name in commands}
    for count in range(rounds + 1):
        for name, (command, environment) in commands.items():
            start = time.perf_counter()
            printed = run(command, environment, folder)
            took = time.perf_counter() - start
            if name != EMPTY and ANSWER not in printed:
                raise SystemExit(f"{name} does not count {ANSWER}:\n{printed}")
            if count:
                times[name].append(took)
    medians = {name: median(taken) for name, taken in times.items()}
    ratios = {name: seconds / medians[EMPTY] for name, seconds in medians.items()}
    for name, ratio in ratios.items():
        print(f"{name:<20}{ratio:8.1f} times an empty Python   ({medians[name] * 1000:,.0f} ms)", flush=True)
    return ratios


def imported(python: Path, folder: Path) -> set[str]:
    """Return the top packages that the command imports where the frameworks are there to be imported."""
    (site,) = (python.parents[1] / "lib").glob("python*/site-packages")
    code = "import sys; from netdsl.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", code, "summary", "-e", QUESTION]
    environment = {**clean_environment(), "PYTHONPATH": str(site)}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stderr.split()}


if __name__ == "__main__":
    sys.exit(main())
