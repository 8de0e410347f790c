"""What tests of Ray clusters ask of the machine: who runs, who listens, who answers."""

import contextlib
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

DRIVER = Path(__file__).with_name("ray_driver.py")


def driver(folder: Path, ending: str, environment: dict[str, str]) -> subprocess.Popen:
    command = [sys.executable, str(DRIVER), str(folder), ending]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
    )


def facts_of(process: subprocess.Popen) -> dict:
    """What a driver says of its session, with the line of its dashboard."""
    dashboard = ""
    for line in process.stdout:
        if line.startswith("{"):
            return {**json.loads(line), "line": dashboard}
        dashboard = line
    raise AssertionError(f"the driver ended: {process.stderr.read()}")


def running(processes: list[psutil.Process]) -> list[psutil.Process]:
    found = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def words_of(process: psutil.Process) -> str:
    """The command line; empty if the process has ended."""
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def folders_of(processes: list[psutil.Process]) -> set[str]:
    """The temporary folders of the sessions to which the processes belong, as their command lines say."""
    return {folder for process in processes for folder in re.findall(r"/[^\s=]*/bv-[\w-]+", words_of(process))}


def at_work_in(folders: set[str]) -> list[psutil.Process]:
    """All processes of this host whose command line names one of the folders."""
    return running([p for p in psutil.process_iter() if any(folder in words_of(p) for folder in folders)])


def wait_until(condition, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def status(url: str, token: str) -> int:
    """The HTTP status of the dashboard's answer."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{url}/api/version", headers=headers), timeout=10
        ) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def listeners(processes: list[psutil.Process]) -> dict[int, set[str]]:
    """Port to the addresses at which one of the processes listens."""
    found: dict[int, set[str]] = {}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    found.setdefault(connection.laddr.port, set()).add(connection.laddr.ip)
    return found
