"""Minor ticks as one line of marks for each side: matplotlib makes three lines and two texts of each tick."""

from typing import Any

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN, TICKLEFT, TICKRIGHT, TICKUP, MarkerStyle
from matplotlib.ticker import Locator, NullLocator

STYLE: dict[bool, tuple[Any, Any, Any]] = {  # of a horizontal axis, and of another
    True: ("xtick.minor.size", "xtick.minor.width", "xtick.color"),
    False: ("ytick.minor.size", "ytick.minor.width", "ytick.color"),
}


class MinorTicks(Line2D):
    """The minor ticks of an axis at one side of its panel, inwards, where the locator has them when they are drawn."""

    def __init__(self, axis: XAxis | YAxis, locator: Locator, far: bool):
        self._axis, self._locator, self._far = axis, locator, far
        horizontal = isinstance(axis, XAxis)
        inwards: dict[tuple[bool, bool], Any] = {
            (True, False): TICKUP,
            (True, True): TICKDOWN,
            (False, False): TICKRIGHT,
            (False, True): TICKLEFT,
        }
        size, width, colour = STYLE[horizontal]
        super().__init__(
            [],
            [],
            linestyle="none",
            marker=MarkerStyle(inwards[horizontal, far]),
            markersize=rcParams[size],
            markeredgewidth=rcParams[width],
            color=rcParams[colour],
            zorder=2.01,
        )
        self.set_in_layout(False)

    def draw(self, renderer: Any) -> None:
        """Draw them where they are by now."""
        low, high = sorted(self._axis.get_view_interval())
        at = [x for x in self._locator() if low <= x <= high]
        beside = [float(self._far)] * len(at)
        self.set_data((at, beside) if isinstance(self._axis, XAxis) else (beside, at))
        super().draw(renderer)


def simplify_minor_ticks(axes: Axes) -> None:
    """Let one line for each side of the panel stand for the minor ticks of each axis where they have no labels."""
    if axes.get_label() == "<colorbar>" or not axes.axison:  # an empty place in a figure has no axes to mark
        return
    for axis, transform in ((axes.xaxis, axes.get_xaxis_transform()), (axes.yaxis, axes.get_yaxis_transform())):
        locator, (low, high) = axis.get_minor_locator(), sorted(axis.get_view_interval())
        labelled = axis.get_scale() != "linear" and not 0 < 10 * low < high
        if isinstance(locator, NullLocator) or labelled or axis.get_tick_params(which="minor").get("length") == 0:
            continue
        axis.set_minor_locator(NullLocator())
        locator.set_axis(axis)
        for far in (False, True):
            ticks = MinorTicks(axis, locator, far)
            ticks.set_transform(transform)
            axes.add_artist(ticks)
