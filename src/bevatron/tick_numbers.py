"""Numbers at an axis without formulas where there is no power of ten: matplotlib reads a formula in milliseconds."""

import re

from matplotlib.axis import Axis
from matplotlib.ticker import Formatter

PLAIN = re.compile(r"\$\\mathdefault\{([^\\{}^_$]*)\}\$")
POWER = re.compile(r"\$\\mathdefault\{(?:(\d)\\times)?10\^\{(-?\d+)\}\}\$")
LARGEST = 3  # powers of ten up to which an axis is labelled with decimals: from 0.001 to 1000


class PlainNumbers(Formatter):
    """Labels as another formatter makes them; of a formula that is a number alone, the number."""

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

    def format_ticks(self, values: list[float]) -> list[str]:
        """The labels at all values: decimals where all are short, else powers of ten."""
        labels = super().format_ticks(values)
        powers = [match for label in labels if (match := POWER.fullmatch(label))]
        if any(abs(int(match[2])) > LARGEST for match in powers):
            return labels
        return [POWER.sub(lambda match: f"{int(match[1] or 1) * 10.0 ** int(match[2]):g}", label) for label in labels]

    def get_offset(self) -> str:
        """What stands at the axis' end, such as a power of ten."""
        return self._formatter.get_offset()
