"""The server belongs to its user, and to its workflow."""

import os
import socket
import stat
import subprocess
import sys

import pytest


def test_its_folder_is_private(workplace):
    state = os.stat(workplace.folder)
    assert stat.S_IMODE(state.st_mode) == 0o700
    assert state.st_uid == os.getuid()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("opened", [False, True])
def test_another_user_is_not_served(workplace, opened):
    """Neither through the folder, nor where somebody has opened it."""
    if opened:
        for path in (workplace.folder, *list(workplace.folder.parents)[:-2]):
            os.chmod(path, os.stat(path).st_mode | 0o777)
        os.chmod(workplace.folder / "socket", 0o777)
    code = (
        "import os, socket, sys\nos.setgid(65534); os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b'x'); print(s.recv(1))"
    )
    done = subprocess.run([sys.executable, "-c", code, workplace.folder / "socket"], capture_output=True, text=True)
    refusals = ("PermissionError", "ConnectionResetError", "BrokenPipeError")
    assert done.stdout == "b''\n" or done.stderr.splitlines()[-1].startswith(refusals), done
    assert opened or "PermissionError" in done.stderr
    assert not workplace.templates()


@pytest.mark.parametrize("content", [b"", b"\0", b"\xff\xff\xff\xff", b"\0\0\0\2{}", b"\0\0\0\5hello", b"\0\0\0\2[]"])
def test_nonsense_does_no_harm(workplace, content):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(workplace.folder / "socket"))
        client.sendall(content)
    assert workplace.run("print(1)") == (0, "1\n", "")


def test_a_silent_client_keeps_nobody_waiting(workplace):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(workplace.folder / "socket"))
        client.sendall(b"\0\0")
        assert workplace.run("print(1)") == (0, "1\n", "")


def test_a_job_does_not_hand_the_server_on(workplace):
    assert workplace.run("import os; print('BEVATRON_FORK_SERVER' in os.environ)")[1] == "False\n"
