"""Prefetching: asking for memory ahead of its use. Rows of weights lie far apart, and a kernel spends most of its time waiting for them."""

# mypy: disable-error-code="no-untyped-call,no-untyped-def,untyped-decorator"

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def fetch(_, table: Any, at: Any):  # noqa: ARG001 (Numba types)
    """Ask for the cache line of table.flat[at] and go on without waiting. An index outside the table does no harm."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        number = ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [data.type, number, number, number])
        ask = cgutils.get_or_insert_function(builder.module, shape, "llvm.prefetch.p0")
        read, near, of_data = (ir.Constant(number, value) for value in (0, 3, 1))
        builder.call(ask, [builder.gep(data, [values[1]]), read, near, of_data])
        return context.get_dummy_value()

    return types.void(table, types.int64), generate
