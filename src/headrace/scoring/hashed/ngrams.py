"""From codes of letters to the rows of hashed n-grams, and on to probabilities, in one compiled pass a text.

Each code ends up to five n-grams of one to five codes within its word; each word of four letters or more is a feature, and so is each
pair of neighbouring words. The hash of a feature is its row in the table of weights (Weinberger et al. 2009, Feature hashing for large
scale multitask learning). Sums are whole numbers, so that they are the same in any order.

What has no decorator is compiled by `headrace.scoring.native`.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,call-arg"

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from headrace.scoring.hashed.folding import BOUNDARY, fold
from headrace.scoring.prefetch import fetch

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
HALF = np.uint64(32)
WORD_SALT = np.uint64(0x5851F42D4C957F2D)
CHUNK = 512  # codes folded at a time
STEP = 16  # codes whose rows are asked for, and added, at a time
ROWS_A_CODE = 6  # n-grams that one code can end: five, or four with a word and a pair
STATE = 7  # numbers that the walk over n-grams remembers between chunks
LANES = 40  # weights added in one go over the rows
BLOCKS = ((0, 16), (16, 16), (32, 8))  # which of them go into a register: from where, and how many
WORDS, PAIRS = 1, 2  # flags: words, pairs of words


@njit(nogil=True)
def _mix(state, code):
    mixed = (state + np.uint64(code) + np.uint64(1)) * MULTIPLIER
    return mixed ^ (mixed >> HALF)


@njit(nogil=True)
def _row(state, buckets):
    return np.int64(((state >> HALF) * buckets) >> HALF)


@njit(nogil=True)
def ngrams(codes, begin, end, state, buckets, flags, rows):
    """Write the rows of all features that end in codes[begin:end]; how many there are.

    `state` is all zeros at the start of a text and carries the walk from one chunk to the next.
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
    """sums[first:][:LANES] += weights[row * width + first:][:LANES], for the first `count` rows (255 at most), in vector registers.

    LLVM does not find these by itself: eight-bit weights widened on the way to sixteen bits, which so many cannot overflow, and sums that
    stay in registers over all rows.
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
    """By how much the sum of `count` n-grams is multiplied: `gains` holds it for 1, 2, 4, 8 ... n-grams."""
    place = np.log2(np.float64(count))
    below = min(int(place), len(gains) - 2)
    share = min(place - below, 1.0)
    return gains[below] * (1.0 - share) + gains[below + 1] * share


@njit(nogil=True)
def _add(weights, rows, width, sums):
    for first in range(0, width, LANES):
        _add_rows(weights, rows, len(rows), width, first, sums)


def score(points, bounds, letters, keys, values, weights, buckets, flags, gains, best, certain, chances):
    """The likeliest label of each text points[bounds[i]:bounds[i + 1]] and its probability; and all of them, where `chances` has rows."""
    width = chances.shape[1]
    codes = np.empty(CHUNK, np.uint16)
    rows = np.empty(2 * STEP * ROWS_A_CODE, np.int64)
    state = np.empty(STATE, np.uint64)
    sums = np.empty(width + LANES, np.int32)
    totals = np.empty(width, np.int64)
    for text in range(len(bounds) - 1):
        state[:] = 0
        totals[:] = 0
        codes[0] = BOUNDARY
        at, end, size, inside, seen = bounds[text], bounds[text + 1], 1, False, 0
        while True:
            at, size, inside = fold(points, at, end, letters, keys, values, codes, size, inside)
            sums[:] = 0
            before = rows[:0]
            for begin in range(0, size, STEP):  # while some rows are on their way, those before them are added
                into = rows[(begin // STEP & 1) * STEP * ROWS_A_CODE :]
                count = ngrams(codes, begin, min(begin + STEP, size), state, buckets, flags, into)
                for i in range(count):
                    fetch(weights, into[i] * width)
                    fetch(weights, into[i] * width + width - 1)
                _add(weights, before, width, sums)
                before = into[:count]
                seen += count
            _add(weights, before, width, sums)
            for label in range(width):
                totals[label] += sums[label]
            size = 0
            if at >= end:
                break
        best[text], certain[text] = _soften(totals, _gain(gains, max(seen, 1)), chances, text)


@njit(nogil=True)
def _soften(totals, gain, chances, text):
    """The likeliest label and its probability, and all of them into a row of `chances` where it has any."""
    top = 0
    for label in range(1, len(totals)):
        if totals[label] > totals[top]:
            top = label
    least = -60.0 if len(chances) else -40.0  # what is below adds nothing to the sum
    norm = 0.0
    for label in range(len(totals)):
        odds = (totals[label] - totals[top]) * gain
        chance = np.exp(odds) if odds > least else 0.0
        norm += chance
        if len(chances):
            chances[text, label] = chance
    if len(chances):
        for label in range(len(totals)):
            chances[text, label] /= norm
    return top, 1.0 / norm
