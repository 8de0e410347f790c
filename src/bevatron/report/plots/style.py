"""How plots look: mplhep's ATLAS style in sizes for a page, colours that the colour-blind can tell apart."""

import base64
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, overload

import matplotlib as mpl
import matplotlib.pyplot as plt
import mplhep
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, StrMethodFormatter

from bevatron.errors import UserError
from bevatron.figures import log_failure, pdf_bytes, placeholder_svg, svg_bytes
from bevatron.report.plots.drawn_numbers import drawn_numbers
from bevatron.report.plots.minor_ticks import simplify_minor_ticks
from bevatron.report.plots.panel_layout import PanelLayout
from bevatron.report.plots.shared_markers import share_markers
from bevatron.report.plots.text_layouts import remember_text_layouts

COLOURS = ("#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#94a4a2", "#a96b59", "#e76300", "#717581", "#92dadd")
"""Petroff's sequence (arXiv:2107.02270), blue, orange, red first: light, charm and beauty."""
WIDTH = 11.7  # inches that fill the page, so that letters have the same size in all figures
INK, FAINT = "#222222", "#8a8f98"
BESIDE = ("pdf", "csv")  # suffixes of what lies beside a figure
FEW_PANELS, FEW_CLASSES = 4, 6  # up to which each is drawn with all that belongs to it

_PAGE = {
    "font.family": ["TeX Gyre Heros", "DejaVu Sans"],  # the second has the signs that the first lacks
    "font.size": 10.5,
    "axes.labelsize": 11.5,
    "axes.titlesize": 11.5,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "xtick.major.size": 6,
    "xtick.minor.size": 3,
    "ytick.major.size": 6,
    "ytick.minor.size": 3,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "axes.labelpad": 3,
    "axes.titley": 1.0,  # no labels are above a panel: where the title is need not be looked for
    "axes.autolimit_mode": "data",
    "axes.formatter.limits": (-3, 5),  # ten thousand epochs are no 1.0 × 10⁴
    "axes.ymargin": 0.06,
    "lines.linewidth": 1.5,
    "lines.markersize": 4,
    "axes.linewidth": 0.9,
    "xaxis.labellocation": "right",
    "yaxis.labellocation": "top",
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.bbox": "standard",
    "svg.fonttype": "path",
    "svg.hashsalt": "bevatron",  # the same figure has the same bytes
}


@dataclass(frozen=True)
class ReportFigure:
    """A finished plot: file name without suffix, caption, bytes, whether it wants the page's width, or to be folded.

    failure: why it could not be drawn; the bytes then say the same. pdf: the same as PDF, and csv: the numbers that it
    shows; empty where there are none.
    """

    name: str
    caption: str
    content: bytes
    suffix: str = "svg"
    wide: bool = False
    folded: bool = False
    failure: str = ""
    pdf: bytes = b""
    csv: bytes = b""

    @property
    def files(self) -> dict[str, bytes]:
        """Its files by name: the figure itself, and beside it PDF and CSV, where it has them."""
        beside = {f"{self.name}.{suffix}": getattr(self, suffix) for suffix in BESIDE}
        return {self.file: self.content} | {name: content for name, content in beside.items() if content}

    @property
    def file(self) -> str:
        """The file's name with its suffix."""
        return f"{self.name}.{self.suffix}"

    @property
    def uri(self) -> str:
        """The figure as a `data:` URI, as the page embeds it."""
        kind = {"svg": "image/svg+xml", "png": "image/png"}[self.suffix]
        return f"data:{kind};base64,{base64.b64encode(self.content).decode()}"


Pdf = Literal["shown", "all", "none"]
_PDF: ContextVar[Pdf] = ContextVar("pdf", default="none")


@contextmanager
def page_style(pdf: Pdf = "none") -> Iterator[None]:
    """Within it, figures are drawn off screen in the report's style.

    pdf: of which figures a PDF is made as well: of all, of those that are not folded away, or of none.
    """
    mpl.use("agg")
    asked = _PDF.set(pdf)
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 100)  # a figure is garbage at once, not again and again while it is drawn
    try:
        with plt.style.context([mplhep.style.ATLAS, _PAGE]), remember_text_layouts(), share_markers():
            yield
    finally:
        _PDF.reset(asked)
        gc.set_threshold(*before)


@overload
def draw_figure(
    draw: Callable[[], Figure], name: str, caption: str, wide: bool = False, folded: bool = False
) -> ReportFigure: ...


@overload
def draw_figure(
    draw: Callable[[], Figure | None], name: str, caption: str, wide: bool = False, folded: bool = False
) -> ReportFigure | None: ...


def draw_figure(
    draw: Callable[[], Figure | None], name: str, caption: str, wide: bool = False, folded: bool = False
) -> ReportFigure | None:
    """The figure that `draw` makes as SVG, without dates, with its numbers as CSV, and closed; many small panels, and
    those folded away, have fewer ticks. None where `draw` finds nothing to draw.

    A figure that cannot be drawn becomes a figure of `failure`; only a UserError, which is of files that are damaged
    or missing, is raised.
    """
    before = set(plt.get_fignums())
    try:
        figure = draw()
        if figure is None:
            return None
        thin_out = _reduce_ticks if folded or len(figure.axes) > FEW_PANELS else simplify_minor_ticks
        for axes in figure.axes:
            thin_out(axes)
        content = svg_bytes(figure, name, dpi=150)
        asked = _PDF.get()
        pdf = pdf_bytes(figure) if asked == "all" or (asked == "shown" and not folded) else b""
        return ReportFigure(name, caption, content, wide=wide, folded=folded, pdf=pdf, csv=drawn_numbers(figure))
    except UserError:
        raise
    except Exception as error:
        return failed_figure(error, name, caption)
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)


def failed_figure(error: Exception, name: str, caption: str) -> ReportFigure:
    """What stands in place of a figure, and is told in the log."""
    reason = log_failure(error, f"figure {name}")
    return ReportFigure(name, caption, placeholder_svg(reason), wide=True, failure=reason)


def create_panels(
    n: int, columns: int = 3, height: float = 3.1, shared_colour_bar: bool = False
) -> tuple[Figure, list[Axes]]:
    """A figure of the page's width with n panels in rows of up to `columns`; the axes in reading order.

    height: of a row, in inches.
    """
    columns = min(n, columns)
    rows = -(-n // columns)
    layout = "constrained" if shared_colour_bar else PanelLayout()
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, height * rows), squeeze=False, layout=layout)
    panels = list(axes.flat)
    for empty in panels[n:]:
        empty.set_axis_off()
    return figure, panels[:n]


def _reduce_ticks(axes: Axes) -> None:
    """No minor ticks, which are half of the drawing's time and of its bytes; on a logarithmic axis of a few decades
    ticks at 1, 2 and 5 instead.
    """
    axes.minorticks_off()
    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        if axis.get_scale() == "log" and low > 0 and high < 300 * low:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 30 * low else (1, 3)))
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
