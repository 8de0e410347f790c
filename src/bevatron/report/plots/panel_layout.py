"""Where panels lie in a figure: each axis is measured once, and twice by matplotlib's constrained layout."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import TightLayoutEngine
from matplotlib.transforms import ScaledTranslation

PAD, BETWEEN = 0.4, 0.9  # at the figure's edge and between panels, in units of the letters' size


class PanelLayout(TightLayoutEngine):
    """Panels of one size in a grid, with room for their labels and for the figure's legends, which lie outside.

    Of a colour bar that several panels share it knows nothing.
    """

    def __init__(self) -> None:
        # With a rectangle, as is the default, it measures twice.
        super().__init__(pad=PAD, w_pad=BETWEEN, h_pad=BETWEEN, rect=None)  # pyright: ignore[reportArgumentType]

    def execute(self, fig: Figure) -> None:
        """Place the panels, and fix the labels below them, which need not be placed again when they are drawn."""
        height = fig.get_figheight()
        nearly = {"left": 0.06, "right": 0.99, "bottom": min(0.4, 0.5 / height), "top": max(0.6, 1 - 0.3 / height)}
        fig.subplots_adjust(**nearly, wspace=0.25, hspace=0.35)  # ticks depend on the panels' size
        for axes in fig.axes:
            axes.spines[:].set_in_layout(False)  # they are where the panel ends
        bottoms = {axes: axes.bbox.y0 for axes in fig.axes if axes.get_aspect() == "auto"}
        super().execute(fig)
        _make_room_for_legends(fig)
        for axes, bottom in bottoms.items():
            _fix_label_below(fig, axes, axes.xaxis.label.get_position()[1] - bottom)


def _make_room_for_legends(figure: Figure) -> None:
    """Take the room of the legends at the upper and lower edge from the panels, not from what is between them."""
    above = below = 0.0
    for legend in figure.legends:
        box = legend.get_window_extent().transformed(figure.transFigure.inverted())
        if box.y0 > 0.5:
            above = max(above, 1.0 - box.y0)
        else:
            below = max(below, box.y1)
    rows = max((spec.get_gridspec().nrows for axes in figure.axes if (spec := axes.get_subplotspec())), default=1)
    room, hspace = figure.subplotpars.top - figure.subplotpars.bottom, figure.subplotpars.hspace
    gaps = room * hspace * (rows - 1) / (rows + hspace * (rows - 1))
    panels = room - gaps - above - below
    if above + below > 0 and panels > 0:
        spacing = gaps / panels * rows / (rows - 1) if rows > 1 else hspace
        top, bottom = figure.subplotpars.top - above, figure.subplotpars.bottom + below
        figure.subplots_adjust(top=top, bottom=bottom, hspace=spacing)


def _fix_label_below(figure: Figure, axes: Axes, up: float) -> None:
    """Keep the label of the horizontal axis at a distance in pixels from the panel's lower edge."""
    shift = ScaledTranslation(0.0, up / figure.dpi, figure.dpi_scale_trans)
    x, _ = axes.xaxis.label.get_position()
    axes.xaxis.set_label_coords(x, 0.0, transform=axes.transAxes + shift)
