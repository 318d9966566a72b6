"""Numbers of a ``.param`` file.

ncnn takes at most 15 characters for one, and ``paramdict.cpp`` reads the digits before and after the point into
32 bits each. What has neither a point nor an exponent is an integer.
"""

from __future__ import annotations

import math

import numpy as np

from converter.emitters import Refused

_DIGITS = 9
_LENGTH = 15
_SMALL = 1e-4


def number(value: int | float) -> str:
    """The shortest text that ncnn reads as ``value``: an integer, or a float32 with a point or an exponent.

    Raises:
        Refused: There is none.
    """
    if isinstance(value, int):
        if not -(2**31) <= value < 2**31:
            raise Refused(f"{value} does not fit into 32 bits")
        return str(value)
    single = np.float32(value)
    if not math.isfinite(single):
        raise Refused(f"a .param file cannot hold {single}")
    text = np.format_float_positional(single, unique=True, trim="0")
    whole, _, fraction = text.partition(".")
    fits = max(len(whole.lstrip("-")), len(fraction)) <= _DIGITS and len(text) <= _LENGTH
    if fits and not 0 < abs(single) < _SMALL:
        return text
    mantissa, _, exponent = np.format_float_scientific(single, unique=True, trim="-").partition("e")
    return f"{mantissa}e{int(exponent)}"
