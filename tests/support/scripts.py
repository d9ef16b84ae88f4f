"""A hashed softmax of several tables."""

import functools

import numpy as np

from headrace.scoring.hashed import features, letters, scripts
from headrace.scoring.hashed.parameters import HashedParameters


@functools.cache
def of_three_scripts() -> HashedParameters:
    """Random weights of four bits: Latin letters with 70 columns and 128 places, Cyrillic and Greek ones with 3 and 32."""
    random = np.random.default_rng(6)
    layout = np.array(
        [[0, 900, 64, 0, 70], [900 * 64, 300, 16, 70, 3], [900 * 64 + 300 * 16, 200, 16, 73, 2]], np.int64
    )
    weights = random.integers(-128, 128, 900 * 64 + 500 * 16 + features.LANES).astype(np.int8)
    owners = np.array([*range(60), *[-1] * 10, 60, 61, -1, 5, -1], np.int16)
    gains, biases = np.exp2(-0.25 * np.arange(14)) * 0.05, random.normal(0, 0.3, 75)
    alphabet = letters.alphabet()
    groups = scripts.group_table(alphabet, ("latin", "cyrillic", "greek"))
    return HashedParameters(
        tuple(f"l{number}" for number in range(62)),
        features.WORDS,
        4,
        weights,
        layout,
        owners,
        np.stack([gains, gains * 2, gains]),
        biases,
        groups,
        np.array([1, 1, 2, 2], np.int64),
        alphabet,
        *letters.compositions(),
    )
