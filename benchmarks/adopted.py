"""Processes that outlive their parents become children of this one, so that their time counts, too."""

import ctypes
import os

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def adopt_orphans() -> None:
    """From now on; raises OSError where the system does not allow it."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def wait_for_adopted() -> None:
    """All that is left of a workflow ends with it, a moment later."""
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass
