"""Adding rows of weights in vector registers. Functions of the kernel, compiled as parts of it.

They are written in LLVM's language because its optimiser does not find by itself that the sums can stay in registers over all rows.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,call-arg"

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from headrace.scoring.hashed.features import LANES

#: The most rows that are added at once: the sums of so many weights of 8 bits fit 16.
MOST_ROWS = 255
#: Rows whose sums of 4-bit weights fit 8 bits.
SHORT = 16
#: How LANES is divided into vector registers: (first weight, number of weights).
BLOCKS = ((0, 16), (16, 16), (32, 8))


def _vector(bits: int, lanes: int) -> Any:
    return ir.VectorType(ir.IntType(bits), lanes)


@intrinsic
def _add_bytes(_, weights: Any, places: Any, begin: Any, count: Any, first: Any, sums: Any):  # noqa: ARG001
    """sums[first:][:LANES] += weights[place + first:][:LANES] for `count` places from places[begin] on (at most 255), in vector registers.

    Weights of 8 bits are widened to 16, in which sums of 255 of them cannot overflow.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        table, chosen, total = (
            context.make_array(signature.args[i])(context, builder, values[i]).data for i in (0, 1, 5)
        )
        begin, count, first = values[2:5]
        chosen = builder.gep(chosen, [begin])
        starts = [builder.add(first, ir.Constant(first.type, start)) for start, _ in BLOCKS]
        bases = [builder.gep(table, [start]) for start in starts]
        held = [cgutils.alloca_once_value(builder, ir.Constant(_vector(16, lanes), None)) for _, lanes in BLOCKS]
        with cgutils.for_range(builder, count) as loop:
            row = builder.load(builder.gep(chosen, [loop.index]))
            for base, sums, (_, lanes) in zip(bases, held, BLOCKS, strict=True):
                place = builder.bitcast(builder.gep(base, [row]), _vector(8, lanes).as_pointer())
                weights = builder.sext(builder.load(place, align=1), _vector(16, lanes))
                builder.store(builder.add(builder.load(sums), weights), sums)
        for start, sums, (_, lanes) in zip(starts, held, BLOCKS, strict=True):
            _add_to(builder, total, start, builder.sext(builder.load(sums), _vector(32, lanes)), lanes)
        return context.get_dummy_value()

    whole = types.int64
    return types.void(weights, places, whole, whole, whole, sums), generate


def _adding_nibbles(lanes: int) -> Any:
    """A function that adds rows of `lanes` bytes with two weights of four bits in each.

    add(weights, places, begin, count, first, half, sums): for each of `count` places (at most 255) from places[begin] on, it adds the lower
    halves of the bytes weights[place + first:][:lanes] to sums[first:], and the upper halves to sums[half + first:], as they are stored,
    from 0 to 15.
    """

    @intrinsic
    def add(_, weights: Any, places: Any, begin: Any, count: Any, first: Any, half: Any, sums: Any):  # noqa: ARG001
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            table, chosen, total = (
                context.make_array(signature.args[i])(context, builder, values[i]).data for i in (0, 1, 6)
            )
            begin, count, first, half = values[2:6]
            chosen = builder.gep(chosen, [begin])
            narrow, wide = _vector(8, lanes), _vector(16, lanes)
            mask = ir.Constant(narrow, [15] * lanes)
            shift = ir.Constant(narrow, [4] * lanes)
            held = [cgutils.alloca_once_value(builder, ir.Constant(wide, None)) for _ in range(2)]
            short = [cgutils.alloca_once_value(builder, ir.Constant(narrow, None)) for _ in range(2)]
            base = builder.gep(table, [first])
            step = ir.Constant(count.type, SHORT)
            with cgutils.for_range_slice(builder, ir.Constant(count.type, 0), count, step) as (begin, _):
                stop = builder.add(begin, step)
                stop = builder.select(builder.icmp_signed("<", stop, count), stop, count)
                for one in short:
                    builder.store(ir.Constant(narrow, None), one)
                with cgutils.for_range(builder, stop, start=begin) as loop:
                    row = builder.load(builder.gep(chosen, [loop.index]))
                    place = builder.bitcast(builder.gep(base, [row]), narrow.as_pointer())
                    loaded = builder.load(place, align=1)
                    for one, part in zip(short, (builder.and_(loaded, mask), builder.lshr(loaded, shift)), strict=True):
                        builder.store(builder.add(builder.load(one), part), one)
                for one, other in zip(short, held, strict=True):
                    builder.store(builder.add(builder.load(other), builder.zext(builder.load(one), wide)), other)
            for one, start in zip(held, (first, builder.add(first, half)), strict=True):
                _add_to(builder, total, start, builder.zext(builder.load(one), _vector(32, lanes)), lanes)
            return context.get_dummy_value()

        whole = types.int64
        return types.void(weights, places, whole, whole, whole, whole, sums), generate

    return add


def _add_to(builder: Any, total: Any, start: Any, wide: Any, lanes: int) -> None:
    """total[start:][:lanes] += wide, in LLVM's language."""
    place = builder.bitcast(builder.gep(total, [start]), _vector(32, lanes).as_pointer())
    builder.store(builder.add(builder.load(place, align=4), wide), place, align=4)


_add_64_bytes, _add_16_bytes = _adding_nibbles(64), _adding_nibbles(16)


@njit(nogil=True)
def add(weights, places, begin, count, row_bytes, bits, sums):
    """Add whole rows, which begin at places[begin:begin + count], to `sums`. What lies behind the last column falls into its margin."""
    if bits == 8:
        for first in range(0, row_bytes, LANES):
            _add_bytes(weights, places, begin, count, first, sums)
        return
    first = 0
    while row_bytes - first >= 64:
        _add_64_bytes(weights, places, begin, count, first, row_bytes, sums)
        first += 64
    while first < row_bytes:
        _add_16_bytes(weights, places, begin, count, first, row_bytes, sums)
        first += 16
