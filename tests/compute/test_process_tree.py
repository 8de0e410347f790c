"""Processes that were started here end with all that they have started, however short-lived their parents were."""

import subprocess
import sys

import psutil

# Starts, below a shell, one that starts another and ends before anybody has looked; says the other's id at the end.
ADOPTING = """
import subprocess
from bevatron.compute.process.process_tree import ProcessTree
root = subprocess.Popen(["sh", "-c", "read word; sh -c 'sleep 1000 > /dev/null & echo $!'"], stdin=-1, stdout=-1)
processes = ProcessTree([root.pid], adopting=True)
root.stdin.close()
print(int(root.stdout.read()), flush=True)
root.wait()
processes.end(grace=0)
"""


def test_one_whose_parents_ended_unseen_is_ended_too():
    done = subprocess.run([sys.executable, "-c", ADOPTING], stdout=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0
    assert not psutil.pid_exists(int(done.stdout))
