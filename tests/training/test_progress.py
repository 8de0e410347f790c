"""The bar of a fit on a terminal."""

import io
import sys
from types import SimpleNamespace

import pytest

from bevatron.training.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("title", ["[bold]net", "net[/]", "[/x] {task.total} %s", "plain"])
def test_a_title_is_no_markup(title, monkeypatch):
    """A title that ends a style which was never begun would end the fit in a traceback."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "200")
    progress = Progress(title)
    progress.on_train_start(None, SimpleNamespace(schedule=SimpleNamespace(steps=10, epochs=2)))
    progress.on_train_end(None, None)
    assert title in sys.stderr.getvalue()
