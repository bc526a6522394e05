"""Runs Keras programs on the backend that its environment names: a request a time, pickled, on standard input."""

import os
import pickle
import sys
import traceback

import oracle

from netdsl.emit.emitted import Emitted


def main() -> None:
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a framework prints must not mix with the answers
    oracle.fast_keras()
    while True:
        try:
            name, source, weight_map, weights, inputs = pickle.load(requests)
        except EOFError:
            return
        emitted = Emitted("keras", name, source, lambda weight_map=weight_map: iter(weight_map))
        try:
            answer = oracle.by_keras(emitted, weights, inputs)
        except Exception:
            answer = traceback.format_exc()
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
