"""A process that waits for its fork: no signal is lost in the moment in which it learns that the fork has started."""

import signal
import subprocess
import sys

import pytest

CODE = """
import os, signal, socket
from bevatron.compute.process import fork_client
from bevatron.compute.process.messages import receive_message, send_message

ours, theirs = socket.socketpair()
real = fork_client.receive_message

def receive(connection):
    message, files = real(connection)
    if "starting" in message:
        os.kill(os.getpid(), signal.{name})  # read, and nothing has followed from it yet
        send_message(theirs, {{"status": 0}})
    return message, files

fork_client.receive_message = receive
theirs.settimeout(5)
job = fork_client.ForkedJob(ours, print)
send_message(theirs, {{"starting": True}})
print(job.wait(), receive_message(theirs)[0])
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"])
def test_a_signal_between_reading_and_knowing_that_the_fork_has_started_is_forwarded(name):
    command = [sys.executable, "-c", CODE.format(name=name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    number = int(getattr(signal, name))
    assert done.stdout == f"0 {{'signal': {number}}}\n", done.stderr
