"""Where panels lie in a figure: each axis is measured once, where matplotlib's constrained layout measures it four times."""

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import TightLayoutEngine
from matplotlib.transforms import ScaledTranslation

PAD, BETWEEN = 0.4, 0.9  # at the figure's edge and between panels, in units of the letters' size


class PanelLayout(TightLayoutEngine):
    """Panels of one size in a grid, with room for their labels and for the figure's legends, which lie outside.

    Of a colour bar that several panels share it knows nothing.
    """

    def __init__(self) -> None:
        super().__init__(pad=PAD, w_pad=BETWEEN, h_pad=BETWEEN)

    def execute(self, fig: Figure) -> None:
        """Place the panels, and fix the labels of their axes, which need not be placed again when they are drawn."""
        above, below = _heights_of_legends(fig)
        self.set(rect=(0.0, below, 1.0, 1.0 - above))
        before = {axes: axes.bbox.frozen() for axes in fig.axes if axes.get_aspect() == "auto"}
        super().execute(fig)
        for axes, box in before.items():
            _fix_label(axes, axes.xaxis, 0.0, axes.xaxis.label.get_position()[1] - box.y0)
            _fix_label(axes, axes.yaxis, axes.yaxis.label.get_position()[0] - box.x0, 0.0)


def _heights_of_legends(figure: Figure) -> tuple[float, float]:
    """What the legends at the upper and lower edge take of the figure's height."""
    above = below = 0.0
    for legend in figure.legends:
        box = legend.get_window_extent().transformed(figure.transFigure.inverted())
        if box.y0 > 0.5:
            above = max(above, 1.0 - box.y0)
        else:
            below = max(below, box.y1)
    return above, below


def _fix_label(axes: Axes, axis: Axis, right: float, up: float) -> None:
    """Keep the label where it is along the axis, and at a distance in pixels from the panel's lower left corner."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    shift = ScaledTranslation(right / figure.dpi, up / figure.dpi, figure.dpi_scale_trans)
    x, y = axis.label.get_position()
    along = (x, 0.0) if axis is axes.xaxis else (0.0, y)
    axis.set_label_coords(*along, transform=axes.transAxes + shift)
