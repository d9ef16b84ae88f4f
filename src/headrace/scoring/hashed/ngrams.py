"""From letter codes to hashed n-grams, rows of weights and probabilities, in one compiled pass over a text.

`headrace.scoring.hashed.features` says what the features are. Sums of weights are integers, so that they do not depend on the order of
additions.

Functions without a decorator are compiled by `headrace.scoring.native`.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,call-arg"

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from headrace.scoring.hashed.features import CHUNK, HALF_BITS, LANES, MULTIPLIER, PAIRS, WORD_SALT, WORDS
from headrace.scoring.hashed.folding import BOUNDARY, fold
from headrace.scoring.prefetch import fetch

#: Codes whose rows are prefetched, and later added, at a time. Not more: _add_rows adds up to 255 rows.
STEP = 16
#: The most features that one code can end: five n-grams, or four with a word and a pair.
ROWS_PER_CODE = 6
#: Numbers that `ngrams` carries from one chunk of a text to the next.
STATE = 7
#: How LANES is divided into vector registers: (first weight, number of weights).
BLOCKS = ((0, 16), (16, 16), (32, 8))


@njit(nogil=True)
def _mix(state, code):
    """The hash of an n-gram that is one code longer than the one hashed to `state`."""
    mixed = (state + np.uint64(code) + np.uint64(1)) * MULTIPLIER
    return mixed ^ (mixed >> HALF_BITS)


@njit(nogil=True)
def _row(state, buckets):
    """The row of a hash: its upper 32 bits, which are mixed best, scaled to 0 ... buckets - 1 by a multiplication, which beats division."""
    return np.int64(((state >> HALF_BITS) * buckets) >> HALF_BITS)


@njit(nogil=True)
def ngrams(codes, begin, end, state, buckets, flags, rows):
    """Write the rows of all features that end in codes[begin:end] to `rows`, and return how many they are.

    `rows` has room for ROWS_PER_CODE for each code. `state` (uint64, STATE) is all zeros at the start of a text, and carries hashes
    and depth from one call to the next.
    """
    words, pairs = flags & WORDS != 0, flags & PAIRS != 0
    one, two, three, four = state[0], state[1], state[2], state[3]
    word, before, depth = state[4], state[5], state[6]
    zero = np.uint64(0)
    count = 0
    for at in range(begin, end):
        code = codes[at]
        first = _mix(zero, code)
        second = _mix(one, code)
        third = _mix(two, code)
        fourth = _mix(three, code)
        fifth = _mix(four, code)
        if depth >= 4:
            rows[count] = _row(second, buckets)
            rows[count + 1] = _row(third, buckets)
            rows[count + 2] = _row(fourth, buckets)
            rows[count + 3] = _row(fifth, buckets)
            count += 4
        else:
            if depth >= 1:
                rows[count] = _row(second, buckets)
                count += 1
            if depth >= 2:
                rows[count] = _row(third, buckets)
                count += 1
            if depth >= 3:
                rows[count] = _row(fourth, buckets)
                count += 1
        one, two, three, four = first, second, third, fourth
        depth += np.uint64(1)
        if code != BOUNDARY:
            rows[count] = _row(first, buckets)
            count += 1
            word = _mix(word, code)
            continue
        if depth > 1:
            if words and depth >= 6:
                rows[count] = _row(_mix(word, 1), buckets)
                count += 1
            if pairs and before != 0:
                rows[count] = _row(_mix(before ^ word * MULTIPLIER, 2), buckets)
                count += 1
            before = word
        word = WORD_SALT
        depth = np.uint64(1)
    state[0], state[1], state[2], state[3] = one, two, three, four
    state[4], state[5], state[6] = word, before, depth
    return count


def _vector(bits: int, lanes: int) -> Any:
    return ir.VectorType(ir.IntType(bits), lanes)


@intrinsic
def _add_rows(_, weights: Any, rows: Any, count: Any, width: Any, first: Any, sums: Any):  # noqa: ARG001
    """sums[first:][:LANES] += weights[row * width + first:][:LANES] for the first `count` rows (at most 255), in vector registers.

    Written in LLVM's language because its optimiser does not find this by itself: weights of 8 bits are widened to 16, in which sums of
    255 of them cannot overflow, and the sums stay in registers over all rows.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        table, chosen, total = (
            context.make_array(signature.args[i])(context, builder, values[i]).data for i in (0, 1, 5)
        )
        count, width, first = values[2:5]
        starts = [builder.add(first, ir.Constant(first.type, start)) for start, _ in BLOCKS]
        bases = [builder.gep(table, [start]) for start in starts]
        held = [cgutils.alloca_once_value(builder, ir.Constant(_vector(16, lanes), None)) for _, lanes in BLOCKS]
        with cgutils.for_range(builder, count) as loop:
            row = builder.mul(builder.load(builder.gep(chosen, [loop.index])), width)
            for base, sums, (_, lanes) in zip(bases, held, BLOCKS, strict=True):
                place = builder.bitcast(builder.gep(base, [row]), _vector(8, lanes).as_pointer())
                weights = builder.sext(builder.load(place, align=1), _vector(16, lanes))
                builder.store(builder.add(builder.load(sums), weights), sums)
        for start, sums, (_, lanes) in zip(starts, held, BLOCKS, strict=True):
            wide = _vector(32, lanes)
            place = builder.bitcast(builder.gep(total, [start]), wide.as_pointer())
            added = builder.add(builder.load(place, align=4), builder.sext(builder.load(sums), wide))
            builder.store(added, place, align=4)
        return context.get_dummy_value()

    whole = types.int64
    return types.void(weights, rows, whole, whole, whole, sums), generate


@njit(nogil=True)
def _gain(gains, count):
    """The factor for a sum over `count` features: interpolated, on a logarithmic scale, between `gains` for 1, 2, 4, 8 ... features."""
    place = np.log2(np.float64(count))
    below = min(int(place), len(gains) - 2)
    share = min(place - below, 1.0)
    return gains[below] * (1.0 - share) + gains[below + 1] * share


@njit(nogil=True)
def _add(weights, rows, width, sums):
    """Add whole rows, LANES weights at a time. What lies behind the last label falls into the margin of `sums`."""
    for first in range(0, width, LANES):
        _add_rows(weights, rows, len(rows), width, first, sums)


def score(points, bounds, letters, keys, values, weights, buckets, flags, gains, best, best_probability, probabilities):
    """Score each text points[bounds[i]:bounds[i + 1]]: its most probable label goes to best[i], the probability to best_probability[i].

    If `probabilities` (float64) has a row for each text, those of all labels are written there; it may have none. Its width is the number
    of labels. The other arrays are those of `HashedParameters`.
    """
    width = probabilities.shape[1]
    codes = np.empty(CHUNK, np.uint16)
    rows = np.empty(2 * STEP * ROWS_PER_CODE, np.int64)
    state = np.empty(STATE, np.uint64)
    sums = np.empty(width + LANES, np.int32)
    totals = np.empty(width, np.int64)
    for text in range(len(bounds) - 1):
        state[:] = 0
        totals[:] = 0
        codes[0] = BOUNDARY
        at, end, size, in_word, feature_count = bounds[text], bounds[text + 1], 1, False, 0
        while True:
            at, size, in_word = fold(points, at, end, letters, keys, values, codes, size, in_word)
            sums[:] = 0
            before = rows[:0]
            for begin in range(
                0, size, STEP
            ):  # add the rows of the step before while memory delivers those of this step
                into = rows[(begin // STEP & 1) * STEP * ROWS_PER_CODE :]
                count = ngrams(codes, begin, min(begin + STEP, size), state, buckets, flags, into)
                for i in range(count):
                    fetch(weights, into[i] * width)
                    fetch(weights, into[i] * width + width - 1)
                _add(weights, before, width, sums)
                before = into[:count]
                feature_count += count
            _add(weights, before, width, sums)
            for label in range(width):
                totals[label] += sums[label]
            size = 0
            if at >= end:
                break
        best[text], best_probability[text] = _softmax(totals, _gain(gains, max(feature_count, 1)), probabilities, text)


@njit(nogil=True)
def _softmax(totals, gain, probabilities, text):
    """The most probable label and its probability; all probabilities are written to their row if there are rows."""
    best_label = 0
    for label in range(1, len(totals)):
        if totals[label] > totals[best_label]:
            best_label = label
    negligible = -60.0 if len(probabilities) else -40.0  # smaller log odds do not change the norm
    norm = 0.0
    for label in range(len(totals)):
        log_odds = (totals[label] - totals[best_label]) * gain
        probability = np.exp(log_odds) if log_odds > negligible else 0.0
        norm += probability
        if len(probabilities):
            probabilities[text, label] = probability
    if len(probabilities):
        for label in range(len(totals)):
            probabilities[text, label] /= norm
    return best_label, 1.0 / norm
