"""Background rejection against signal efficiency."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bevatron.report.plots.ratio_panels import can_be_compared, create_ratio_panels, finish_ratio, ratio_to
from bevatron.report.plots.style import COLOURS, FAINT

LINES = ("-", "--", "-.", ":")
MIN_SAMPLES, MIN_POINTS = 5, 3  # background samples that a point must keep; points of a line that is worth a panel
MIN_SPAN = 0.05  # of the efficiency that a panel must have lines over
SHOWN_FROM = 0.05  # a panel's axis begins at a multiple of this

Curves = Mapping[str, dict]
Cuts = Mapping[str, Mapping[str, Sequence[float]]]


def plot_roc(
    signal: str,
    backgrounds: list[str],
    curves: Curves,
    cuts: Cuts,
    efficiencies: list[float],
    reference: str | None = None,
) -> Figure | None:
    """One panel for each background; a line for each model with the band of its interval; grey lines for cuts. Below,
    where several models have lines, the same divided by the reference, by default the first. Backgrounds without a line
    are left out (`backgrounds_shown`), and a panel begins where its lines do; None where all are left out.

    curves: by model's title the `roc` of metrics.json; cuts: by observable's title the background kept on
    the same grid. Curves end where fewer than five background samples are left.
    """
    backgrounds = backgrounds_shown(backgrounds, curves)
    if not backgrounds:
        return None
    reference = reference if reference is not None and reference in curves else next(iter(curves))
    compared = [_is_compared(name, curves, reference) for name in backgrounds]
    figure, pairs = create_ratio_panels(compared, columns=2, height=5.2 if any(compared) else 4.4)
    panels = [main for main, _ in pairs]
    for (main, ratio), background in zip(pairs, backgrounds, strict=True):
        _draw_rejections(main, signal, background, curves, cuts, efficiencies)
        if ratio is not None:
            _draw_ratios(ratio, background, curves, reference, efficiencies)
        (main if ratio is None else ratio).set_xlabel(f"{signal} efficiency")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2)
    return figure


def backgrounds_shown(backgrounds: list[str], curves: Curves) -> list[str]:
    """Those of which some model keeps enough over a twentieth of the efficiency at least; the others are separated
    almost without error, and their panels would be empty.
    """
    return [name for name in backgrounds if any(_span(curve, name) >= MIN_SPAN for curve in curves.values())]


def _is_compared(background: str, curves: Curves, reference: str) -> bool:
    """Whether some model has a curve beside the reference's."""
    rejections = {title: _rejections(curve, background)[0] for title, curve in curves.items() if title != reference}
    grid = curves[reference]["efficiency"]
    same = [r for title, r in rejections.items() if np.array_equal(curves[title]["efficiency"], grid)]
    return can_be_compared(_rejections(curves[reference], background)[0], same, MIN_POINTS)


def _draw_rejections(
    axes: Axes, signal: str, background: str, curves: Curves, cuts: Cuts, efficiencies: list[float]
) -> None:
    first, highest, begins = next(iter(curves.values())), 2.0, 1.0
    for i, (title, curve) in enumerate(curves.items()):
        efficiency, (rejection, lower, upper) = np.array(curve["efficiency"]), _rejections(curve, background)
        colour = COLOURS[i % len(COLOURS)]
        axes.plot(efficiency, rejection, color=colour, ls=_style(i), label=title)
        axes.fill_between(efficiency, lower, upper, color=colour, alpha=0.25, linewidth=0)
        highest = np.nanmax([highest, *rejection])
        begins = np.min([begins, *efficiency[np.isfinite(rejection)]])
    for i, (title, cut) in enumerate(cuts.items()):
        rejection = rejection_of(np.array(cut[background]), first["samples"][background])
        axes.plot(first["efficiency"], rejection, color=FAINT, ls=LINES[1 + i % 3], lw=1.2, label=f"cut on {title}")
        highest = np.nanmax([highest, *rejection])
    _mark(axes, efficiencies)
    axes.set_yscale("log")
    axes.set_ylim(0.9, highest * 1.6)
    axes.set_xlim(np.floor(begins / SHOWN_FROM + 1e-9) * SHOWN_FROM, 1.0)
    axes.set_ylabel(f"{background} rejection")


def _draw_ratios(axes: Axes, background: str, curves: Curves, reference: str, efficiencies: list[float]) -> None:
    efficiency, drawn = np.array(curves[reference]["efficiency"]), []
    base = _rejections(curves[reference], background)[0]
    for i, curve in enumerate(curves.values()):
        if not np.array_equal(curve["efficiency"], efficiency):
            continue
        rejection, lower, upper = (ratio_to(base, values) for values in _rejections(curve, background))
        colour = COLOURS[i % len(COLOURS)]
        axes.plot(efficiency, rejection, color=colour, ls=_style(i))
        axes.fill_between(efficiency, lower, upper, color=colour, alpha=0.25, linewidth=0)
        drawn.append(rejection)
    _mark(axes, efficiencies)
    finish_ratio(axes, "ratio", drawn)


def _mark(axes: Axes, efficiencies: list[float]) -> None:
    for efficiency in efficiencies:
        axes.axvline(efficiency, color=FAINT, lw=0.5, alpha=0.6, zorder=0)


def _style(i: int) -> str:
    """Full lines first; dashed ones where colours begin to resemble each other in grey."""
    return "-" if i < 4 else "--"


def _span(curve: dict, background: str) -> float:
    """How much of the efficiency a curve has points over; 0 of too few points."""
    rejection = _rejections(curve, background)[0]
    drawn = np.array(curve["efficiency"])[np.isfinite(rejection)]
    return float(drawn.max() - drawn.min()) + 1e-9 if len(drawn) >= MIN_POINTS else 0.0


def _rejections(curve: dict, background: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rejection of the seeds' mean and the ends of its interval; of results that have none the seeds' range."""
    fractions, samples = np.array(curve["backgrounds"][background], float), curve["samples"][background]
    mean = rejection_of(fractions.mean(axis=0), samples)
    if "low" in curve:
        low, high = (np.array(curve[end][background], float) for end in ("low", "high"))
    else:
        low, high = fractions.min(axis=0), fractions.max(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        lower, upper = (np.where(np.isfinite(mean) & (end > 0), 1 / end, np.nan) for end in (high, low))
    return mean, lower, upper


def rejection_of(fraction: np.ndarray, samples: int) -> np.ndarray:
    """1 / fraction of the background that is kept; NaN where that is fewer than five of its samples."""
    too_few = ~(fraction * samples >= MIN_SAMPLES)
    return np.where(too_few, np.nan, 1.0 / np.where(too_few, 1.0, fraction))
