"""A small study as a person has it, its commands, and what a refusal looks like."""

import logging
import sys

import pytest
import yaml

from bevatron import cli


@pytest.fixture
def place(curve, tmp_path, monkeypatch):
    """A folder with the small study's configuration, as a person has it."""
    (tmp_path / "config" / "studies").mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text("studies: [curve]\naccelerator: cpu\n")
    (tmp_path / "config" / "studies" / "curve.yaml").write_text(yaml.safe_dump(curve.study.model_dump(mode="json")))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def bevatron(monkeypatch, capsys):
    """Runs a command in this process; gives its exit code and what it said."""

    def run(*arguments: str) -> tuple[int, str]:
        logging.getLogger("bevatron").handlers.clear()
        monkeypatch.setattr(sys, "argv", ["bevatron", *arguments])
        try:
            cli.main()
        except SystemExit as end:
            return end.code or 0, capsys.readouterr().err
        return 0, capsys.readouterr().err

    return run


@pytest.fixture
def refused():
    """Says whether a command's answer is one line with these words, and no traceback."""

    def check(answer: tuple[int, str], *words: str) -> None:
        code, said = answer
        assert code == 2, said
        assert "Traceback" not in said
        (line,) = [line for line in said.splitlines() if line.startswith("bevatron: ")]
        for word in words:
            assert word in line, line

    return check


@pytest.fixture
def trained(curve, place, bevatron):
    """The folder of the small study's trained model."""
    code, said = bevatron("train", "curve", "net", "--manifest", str(curve.manifest), "--output", "out/net")
    assert code == 0, said
    return place / "out" / "net"
