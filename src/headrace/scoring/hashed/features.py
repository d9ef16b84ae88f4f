"""What features of a text are, for the kernel and for the interpreted path, which have to agree.

Features: n-grams of one to five codes within a word and its boundaries; if asked for, words of four letters or more and pairs of
neighbouring words. The hash of a feature is its row in the table of weights (Weinberger et al. 2009, Feature hashing for large scale
multitask learning).
"""

import numpy as np

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
HALF_BITS = np.uint64(32)
WORD_SALT = np.uint64(0x5851F42D4C957F2D)
#: Codes that are folded at a time: the size of the buffer.
CHUNK = 512
#: Weights of a row that the kernel adds in one loop over the rows.
LANES = 40
#: Flags of the features beside character n-grams: words, pairs of words.
WORDS, PAIRS = 1, 2
#: Log odds below that of the best column which count as a probability of zero: beside the best label alone, and among those of all labels.
NEGLIGIBLE, NEGLIGIBLE_OF_ALL = -40.0, -700.0
#: A text is none of the labels if more than one in so many of its letters is of no known script.
UNKNOWN_SHARE = 4
