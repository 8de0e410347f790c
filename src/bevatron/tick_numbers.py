"""Numbers at an axis: those without a power of ten are no formulas, to read which takes matplotlib milliseconds each."""

import re

from matplotlib.axis import Axis
from matplotlib.ticker import Formatter

PLAIN = re.compile(r"\$\\mathdefault\{([^\\{}^_$]*)\}\$")


class PlainNumbers(Formatter):
    """Labels as another formatter makes them; of `$\\mathdefault{0.5}$`, a formula of a number alone, the number."""

    def __init__(self, formatter: Formatter):
        self._formatter = formatter

    def set_axis(self, axis: Axis) -> None:
        """The axis of the other formatter, too."""
        super().set_axis(axis)
        self._formatter.set_axis(axis)

    def set_locs(self, locs: list[float]) -> None:
        """The places of all labels, on which the number of digits depends."""
        self._formatter.set_locs(locs)

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label at x."""
        return PLAIN.sub(r"\1", self._formatter(x, pos))

    def get_offset(self) -> str:
        """What stands at the axis' end, such as a power of ten."""
        return self._formatter.get_offset()
