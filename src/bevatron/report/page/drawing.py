"""Chapters drawn side by side: nearly all of the report's time goes into its figures."""

import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from bevatron.errors import UserError
from bevatron.report.page.chapter import Chapter, draw_chapter
from bevatron.report.plots.style import page_style
from bevatron.report.results.study_results import StudyResults


def draw_chapters(results: list[StudyResults], processes: int) -> list[Chapter]:
    """The studies' chapters in their order, drawn by up to `processes` processes; the bytes are the same for any."""
    processes = min(processes, len(results))
    if processes == 1:
        return [_draw_chapter(r) for r in results]
    # A fork of this process, which has no threads yet, saves each the seconds in which it would import all again; the
    # frameworks of other systems do not bear it.
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        # Those with the most to draw first, so that no process is left with a long one at the end.
        order = sorted(range(len(results)), key=lambda k: -len(results[k].models))
        futures = {k: pool.submit(_draw_chapter, results[k]) for k in order}
        try:
            return [futures[k].result() for k in range(len(results))]
        except BrokenProcessPool:
            what = "a process that draws was killed, for want of memory perhaps"
            raise UserError("report", what, "give the job more memory, or draw with --processes 1") from None


def _draw_chapter(results: StudyResults) -> Chapter:
    with page_style():
        return draw_chapter(results)
