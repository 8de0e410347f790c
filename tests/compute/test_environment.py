"""Environment variables are as before once a session has ended."""

import os

import pytest

from bevatron.compute.process.environment import environment


def test_variables_come_back_also_after_an_error(monkeypatch):
    monkeypatch.setenv("BEVATRON_KEPT", "1")
    monkeypatch.setenv("BEVATRON_REMOVED", "1")
    before = dict(os.environ)

    def fail_within():
        with environment(BEVATRON_KEPT="2", BEVATRON_REMOVED=None, BEVATRON_NEW="3", BEVATRON_NEVER=None):
            assert os.environ["BEVATRON_KEPT"] == "2"
            assert os.environ["BEVATRON_NEW"] == "3"
            assert "BEVATRON_REMOVED" not in os.environ
            raise KeyError

    with pytest.raises(KeyError):
        fail_within()
    assert dict(os.environ) == before
