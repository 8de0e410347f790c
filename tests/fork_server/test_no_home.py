"""Where the home cannot be written, matplotlib's folder is the template's, and no job removes it."""

import os
from pathlib import Path

import pytest

from bevatron.fork_server.template import keep_matplotlib_here


@pytest.mark.parametrize(
    ("variables", "own"),
    [
        ({"HOME": "/proc/nohome"}, True),
        ({"HOME": "/proc/nohome", "XDG_CONFIG_HOME": "/proc/nothing"}, True),
        ({"HOME": "/proc/nohome", "XDG_CONFIG_HOME": "{tmp}/config"}, False),
        ({"HOME": "{tmp}"}, False),
        ({"HOME": "/proc/nohome", "MPLCONFIGDIR": "{tmp}/own"}, False),
    ],
)
def test_matplotlib_is_kept_where_it_can_write(variables, own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp=tmp_path))
    before = os.environ.get("MPLCONFIGDIR")
    keep_matplotlib_here()
    after = os.environ.get("MPLCONFIGDIR")
    monkeypatch.delenv("MPLCONFIGDIR", raising=False)
    assert after == (str(Path(tmp_path) / "matplotlib") if own else before)
