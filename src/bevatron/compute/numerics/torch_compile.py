"""torch.compile on this machine: whether it can work, where it keeps machine code, and how far it may specialise."""

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
SHAPES = 64  # of inputs, for each of which code of its own may be made
OPTIONS: dict[str, Any] = {
    "compile_threads": 1
}  # compile in this process: no pool of processes, which outlives the fit


def cpp_compiler() -> str:
    """The first line of what the C++ compiler says of its version; '' where there is none that works.

    It is that of torch: $CXX, else g++.
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
    """Within it networks may be compiled, each shape of their inputs on its own.

    Code for one shape does not depend on the shapes that came before, so that a fit which goes on in another process
    computes the same. More than `SHAPES` of them raise torch's error instead of going on without the compiler.

    Machine code is kept under $TORCHINDUCTOR_CACHE_DIR, else in a folder of this user's own below the machine's folder
    for temporary files ($TMPDIR), and not in the home folder. Where others can write there, it is in a folder that is
    removed at the end.
    """
    with contextlib.ExitStack() as stack:
        if not os.environ.get(CACHE):  # before the compiler is imported, which may choose a folder
            folder = make_private_folder(Path(tempfile.gettempdir()), f"bevatron-torch-{os.getuid()}")
            os.environ[CACHE] = str(folder or stack.enter_context(tempfile.TemporaryDirectory("-bevatron-torch")))
            stack.callback(os.environ.pop, CACHE, None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # torch's own use of what it retires
            import torch._dynamo
            import torch._inductor.compile_fx  # the compiler, which torch.compile would import
        limits = {"recompile_limit": SHAPES, "fail_on_recompile_limit_hit": True}
        stack.enter_context(torch._dynamo.config.patch(limits))
        torch._dynamo.reset()  # code of earlier networks of this process counts towards the limit
        stack.callback(torch._dynamo.reset)
        yield
