"""Start the fork server of a workflow, which ends with the process that started it."""

import atexit
import os
import select
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bevatron.fork_server.server import SOCKET_NAME
from bevatron.fork_server.surroundings import VARIABLE
from bevatron.fork_server.template import JOBS

START_SECONDS = 10.0
_lifelines: list[int] = []  # open until this process ends


def start_fork_server() -> Path | None:
    """Start a server for the commands that this process starts from now on; its folder, or None if it cannot start.

    The environment variable that commands look for is set in this process.
    """
    if VARIABLE in os.environ:
        return None  # that of a workflow of which this is a job
    folder = Path(tempfile.mkdtemp(prefix="bevatron-"))  # 0700: for this user alone
    (folder / JOBS).mkdir()
    lifeline, ours = os.pipe()
    try:
        server = subprocess.Popen(
            [sys.executable, "-c", "from bevatron.fork_server.server import main; main()", str(folder), str(lifeline)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=(lifeline,),
            start_new_session=True,  # Ctrl-C on the terminal ends the workflow, and that ends the server
        )
    finally:
        os.close(lifeline)
    _lifelines.append(ours)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if not _is_ready(server):
        server.kill()
        return None
    os.environ[VARIABLE] = str(folder / SOCKET_NAME)
    return folder


def _is_ready(server: subprocess.Popen[bytes]) -> bool:
    """Whether the server says so in time."""
    if server.stdout is None or not select.select([server.stdout], [], [], START_SECONDS)[0]:
        return False
    return server.stdout.readline() == b"ready\n"
