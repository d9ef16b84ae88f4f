"""Borrowing arrays, so that kernels do not count the references to them: each function that gets an array counts up and down, with locked
instructions, which took a tenth of the scorer's time and a quarter of the time that cleaning takes.
"""

from typing import TypeVar

Array = TypeVar("Array")


def borrowed(array: Array) -> Array:
    """The array itself; in a kernel, a view that holds no reference. What it is borrowed from has to live as long: an argument of the
    kernel, or an array that is used again afterwards.
    """
    return array
