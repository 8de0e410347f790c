"""The token of a Ray cluster stays in its file: in no log, result, run, process list or provenance."""

import contextlib
import re
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

TOKEN_FILE = re.compile(r"token in (\S+?token)\b")


@pytest.fixture
def place(curve, tmp_path):
    """The small study with a search, in a folder as a person has it."""
    tree = curve.study.model_dump(mode="json")
    space = {"training.learning_rate": {"kind": "log_uniform", "low": 0.001, "high": 0.1}}
    tree["models"]["net"]["search"] = {"space": space, "trials": 2, "epochs": 2}
    (tmp_path / "config" / "studies").mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text("studies: [curve]\naccelerator: cpu\n")
    (tmp_path / "config" / "studies" / "curve.yaml").write_text(yaml.safe_dump(tree))
    (tmp_path / "logs").mkdir()
    return tmp_path


def family(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        me = psutil.Process(pid)
        return [me, *me.children(recursive=True)]
    return []


@pytest.mark.slow
def test_the_token_of_a_search_is_in_its_own_file_and_nowhere_else(curve, place):
    log = place / "logs" / "search.log"
    arguments = (
        "search",
        "curve",
        "net",
        "--manifest",
        str(curve.manifest),
        "--output",
        "results/search",
        "--cpus",
        "1",
    )
    token, command_lines, environments, modes = None, set(), set(), set()
    with log.open("wb") as file:
        search = subprocess.Popen(
            [sys.executable, "-m", "bevatron.cli", *arguments], cwd=place, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            while search.poll() is None:
                if token is None and (found := TOKEN_FILE.search(log.read_text())):
                    with contextlib.suppress(FileNotFoundError):
                        token = Path(found[1]).read_text()
                        modes.add(stat.S_IMODE(Path(found[1]).stat().st_mode))
                for process in family(search.pid):
                    with contextlib.suppress(psutil.Error):
                        command_lines.add(" ".join(process.cmdline()))
                        environments.add("\n".join(process.environ().values()))
                time.sleep(0.2)
        finally:
            search.kill()
            search.wait()
    assert search.returncode == 0, log.read_text()
    assert token is not None, "the search did not say where its token is"
    assert len(token) == 64
    assert modes == {0o600}

    assert any("raylet" in line for line in command_lines), "no process of Ray's was seen"
    assert not [line for line in command_lines | environments if token in line]
    written = [path for path in place.rglob("*") if path.is_file()]
    assert {"best.yaml", "trials.csv", "trial_log.jsonl", "search.log"} <= {path.name for path in written}
    holding = [path for path in written if token.encode() in path.read_bytes()]
    assert [path for path in holding if path.name != "token" or stat.S_IMODE(path.stat().st_mode) != 0o600] == []
