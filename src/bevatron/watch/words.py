"""Numbers and times of the screen as short texts."""

from bevatron.errors import in_one_line
from bevatron.watch.snapshot import Snapshot

NOTHING = "–"


def duration(seconds: float | None) -> str:
    """As '40 s', '12 min', '3.5 h', '2.1 d'."""
    if seconds is None:
        return NOTHING
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} d"


def time_left(seconds: float | None, unknown: int) -> str:
    """'≥' where jobs are left out for which nothing was measured; '?' where none was."""
    if unknown and not seconds:
        return "?"
    if not seconds:
        return NOTHING
    return f"{'≥ ' if unknown else ''}{duration(seconds)}"


def loss(value: float | None) -> str:
    """Four digits of a loss."""
    return NOTHING if value is None else f"{value:.4g}"


def per_second(value: float | None) -> str:
    """Samples a second: '940', '12.4k', '1.3M'."""
    if value is None:
        return NOTHING
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e3 if sign == 'k' else size):.3g}{sign}"
    return f"{value:.0f}"


def percent(fraction: float | None) -> str:
    """'12 %'."""
    return NOTHING if fraction is None else f"{100 * fraction:.0f} %"


def count(done: int, total: int) -> str:
    """'5/8'; of a thousand and more '63.2 %', but 100 % only of all."""
    if total < 1000:
        return f"{done}/{total}"
    return "100 %" if done == total else f"{min(99.9, 100 * done / total):.1f} %"


def plain(text: str) -> str:
    """Text of a log, without what a terminal would act on."""
    return in_one_line(text.expandtabs(4))


def headline(snapshot: Snapshot) -> str:
    """The state of the workflow in a line."""
    workflow = snapshot.workflow
    parts = [workflow.state]
    if workflow.state == "running" and workflow.host:
        parts[0] += f" on {plain(workflow.host)}"
    if workflow.steps:
        parts.append(f"{workflow.steps_done:,} of {workflow.steps:,} steps")
    if workflow.state in ("running", "stopped", "not started"):
        left = time_left(workflow.seconds_left, workflow.unknown_jobs)
        if left != NOTHING:
            unknown = workflow.unknown_jobs
            without = f" ({unknown:,} job{'s' if unknown > 1 else ''} without a measured rate)" if unknown else ""
            parts.append(f"{left} left{without}" if left != "?" else f"time left unknown{without}")
    return f"scale {workflow.scale}: {', '.join(parts)}"
