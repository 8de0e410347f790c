"""What a step frees stays with the process for the next one."""

import subprocess
import sys

import pytest

from bevatron.compute.numerics.memory import keep_freed_memory

STEPS = """
import resource, sys
import numpy as np
if sys.argv[1] == "kept":
    from bevatron.compute.numerics.memory import keep_freed_memory
    keep_freed_memory()
def step():
    arrays = [np.ones(9_000_000, np.uint8) for _ in range(4)]
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


def faults(how):
    done = subprocess.run([sys.executable, "-c", STEPS, how], capture_output=True, text=True, check=True)
    return float(done.stdout)


def test_steps_find_their_memory_again():
    if not keep_freed_memory():
        pytest.skip("the C library is not glibc")
    assert faults("kept") < 50
    assert faults("unasked") > 1_000
