"""Panels with a smaller one below each, in which curves are divided by one of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from bevatron.report.plots.style import FAINT, create_panels

MAIN, GAP = 0.69, 0.035  # of a cell's height: the main panel, and what is left between the two
NARROWEST, WIDEST = 0.1, 2.0  # how far a ratio's axis reaches from 1 at least, and at most


@dataclass(frozen=True)
class _PartOfCell:
    """Where one of the two panels lies in their cell of the grid: between two fractions of its height."""

    spec: SubplotSpec
    figure: Figure
    low: float
    high: float

    def __call__(self, axes: Axes, renderer: object) -> Bbox:
        """The panel's place in the figure, as matplotlib asks for it."""
        cell = self.spec.get_position(self.figure)
        return Bbox.from_extents(cell.x0, cell.y0 + self.low * cell.height, cell.x1, cell.y0 + self.high * cell.height)

    def get_subplotspec(self) -> SubplotSpec:
        """The cell, by which the layout knows that both panels share it."""
        return self.spec


def create_ratio_panels(
    with_ratio: Sequence[bool], columns: int, height: float
) -> tuple[Figure, list[tuple[Axes, Axes | None]]]:
    """As `create_panels`; of each cell the main panel, and the one of ratios below it, with one horizontal axis, where
    there are any.
    """
    figure, panels = create_panels(len(with_ratio), columns, height)
    pairs: list[tuple[Axes, Axes | None]] = []
    for main, wanted in zip(panels, with_ratio, strict=True):
        if not wanted:
            pairs.append((main, None))
            continue
        spec = main.get_subplotspec()
        if spec is None:
            raise ValueError("a panel that lies in no grid")
        ratio = figure.add_subplot(spec, sharex=main)
        main.set_axes_locator(_PartOfCell(spec, figure, 1 - MAIN, 1.0))  # pyright: ignore[reportArgumentType]
        ratio.set_axes_locator(_PartOfCell(spec, figure, 0.0, 1 - MAIN - GAP))  # pyright: ignore[reportArgumentType]
        main.tick_params(labelbottom=False)
        pairs.append((main, ratio))
    return figure, pairs


def can_be_compared(base: np.ndarray, others: Iterable[np.ndarray], at_least: int) -> bool:
    """Whether one of the others has so many points where the reference has some: else a panel of ratios is empty."""
    return any(np.isfinite(ratio_to(base, other)).sum() >= at_least for other in others)


def ratio_to(base: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values / base, NaN where there is no such number."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(base != 0, values / base, np.nan)


def finish_ratio(axes: Axes, title: str, drawn: Sequence[np.ndarray]) -> None:
    """A line at 1, and an axis around it that shows the ratios `drawn`, but for the wildest of them."""
    axes.axhline(1.0, color=FAINT, lw=0.8, ls="--", zorder=0)
    away = np.abs(np.concatenate([np.ravel(r) for r in drawn]) - 1.0) if drawn else np.zeros(0)
    away = away[np.isfinite(away)]
    reach = float(np.clip(1.15 * np.quantile(away, 0.97), NARROWEST, WIDEST)) if len(away) else NARROWEST
    axes.set_ylim(max(1 - reach, 0.0), 1 + reach)
    axes.set_ylabel(title, loc="center")
    # Numbers at the ends would touch those of the main panel.
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], prune="both"))
