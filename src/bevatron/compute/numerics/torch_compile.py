"""torch.compile on this machine: its compiler, the folder of its compiled code, and its limits."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bevatron.compute.process.private_folder import make_private_folder

CACHE = "TORCHINDUCTOR_CACHE_DIR"  # torch's own variable
SHAPES = 64  # largest number of input shapes, each of which is compiled separately
OPTIONS: dict[str, Any] = {
    "compile_threads": 1
}  # compile in this process, because a pool of processes would outlive the fit


def cpp_compiler() -> str:
    """The first line of the C++ compiler's version; '' if no working compiler is found.

    The compiler is the one that torch uses: $CXX, else g++.
    """
    path = shutil.which(os.environ.get("CXX") or "g++")
    if path is None:
        return ""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.partition("\n")[0].strip() if answer.returncode == 0 else ""


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """A context in which networks may be compiled, separately for each shape of their inputs.

    The code for one shape does not depend on the shapes before it, so that a fit that is resumed in another process
    computes the same numbers. With more than `SHAPES` shapes torch raises an error, and does not continue without the
    compiler.

    Compiled code is stored in $TORCHINDUCTOR_CACHE_DIR, else in a private folder of this user below the machine's
    folder for temporary files ($TMPDIR), and not in the home folder. If others can write to this private folder, the
    code is stored in a folder that is removed at the end.
    """
    with contextlib.ExitStack() as stack:
        if not os.environ.get(CACHE):  # before the compiler is imported, which may choose a folder
            folder = make_private_folder(Path(tempfile.gettempdir()), f"bevatron-torch-{os.getuid()}")
            os.environ[CACHE] = str(folder or stack.enter_context(tempfile.TemporaryDirectory("-bevatron-torch")))
            stack.callback(os.environ.pop, CACHE, None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # torch's own use of what it retires
            import torch._dynamo
            import torch._inductor.compile_fx  # the compiler, which torch.compile would import later
        limits = {"recompile_limit": SHAPES, "fail_on_recompile_limit_hit": True}
        stack.enter_context(torch._dynamo.config.patch(limits))
        torch._dynamo.reset()  # otherwise code of earlier networks of this process would count towards the limit
        stack.callback(torch._dynamo.reset)
        yield
