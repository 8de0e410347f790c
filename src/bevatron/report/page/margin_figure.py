"""A claim's margins on a line of standard deviations, small enough for a row of the ledger."""

import math

from bevatron.report.claims.decision import Decision

WIDTH, HEIGHT, REACH = 200, 40, 6.0


def margin_figure(decision: Decision, sigmas: float) -> str:
    """Inline SVG: the undecided band of ±`sigmas`, every margin as a dot, the decisive one filled.

    Margins beyond `REACH` standard deviations become an arrow at the end of the line; one without a value is
    left out.
    """
    line, left, right = 18, _x(-sigmas), _x(sigmas)
    shapes = [
        f'<rect x="{left:.1f}" y="{line - 9}" width="{right - left:.1f}" height="18" class="open"/>',
        f'<line x1="{_x(-REACH):.1f}" y1="{line}" x2="{_x(REACH):.1f}" y2="{line}" class="axis"/>',
        f'<line x1="{_x(0):.1f}" y1="{line - 9}" x2="{_x(0):.1f}" y2="{line + 9}" class="axis"/>',
    ]
    for tick in (-4, 0, 4):
        label = f"{tick:+d}σ".replace("-", "−") if tick else "0"
        shapes.append(f'<text x="{_x(tick):.1f}" y="{HEIGHT - 2}" class="tick">{label}</text>')
    decisive = decision.decisive
    shapes += [_mark(m.distance, line, "other") for m in decision.margins if m is not decisive]
    shapes.append(_mark(decisive.distance, line, "decisive"))
    return (
        f'<svg class="margin" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="margin in standard deviations">{"".join(shapes)}</svg>'
    )


def _x(distance: float) -> float:
    return WIDTH / 2 + (WIDTH / 2 - 10) * max(-REACH, min(REACH, distance)) / REACH


def _mark(distance: float, line: int, kind: str) -> str:
    if math.isnan(distance):
        return ""
    x = _x(distance)
    if abs(distance) > REACH:
        tip = 6 if distance > 0 else -6
        points = f"{x - tip:.1f},{line - 5} {x + tip:.1f},{line} {x - tip:.1f},{line + 5}"
        return f'<polygon points="{points}" class="{kind}"/>'
    return f'<circle cx="{x:.1f}" cy="{line}" r="5" class="{kind}"/>'
