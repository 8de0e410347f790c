"""What a forked process does to be like one that has just been started with a command of its own."""

import atexit
import ctypes
import fcntl
import io
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15  # linux/prctl.h
FLUSH_FAILED = 120  # Python's own exit code where its output cannot be written


def become(template: int, request: dict[str, Any], files: list[int], main: Callable[[], None]) -> NoReturn:
    """Carry out `main` as a client requests it, with its open files, and end as it would. `template`: who forked."""
    try:
        _dress(template, request, files)
        code = _run(main)
    except BaseException:  # what _dress raises; whatever happens, never go back into the template's loop
        _print_traceback()
        code = 1
    _end(code)


def _dress(template: int, request: dict[str, Any], files: list[int]) -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != template:
        os._exit(1)
    LIBC.prctl(PR_SET_NAME, request["name"].encode()[:15], 0, 0, 0)
    os.setsid()  # a signal to the job's group reaches the job alone
    _open_as(files, request.get("numbers", range(len(files))))
    os.umask(request["umask"])
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[:], sys.path[:] = request["arguments"], request["path"]
    sys.orig_argv = [sys.executable, *sys.argv]
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in request["ignored"]:
        signal.signal(number, signal.SIG_IGN)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  (as long as the process lives)
    before: Any = sys.stdout  # of the template, which PYTHONUNBUFFERED has made as it would ours
    unbuffered = request.get("unbuffered", before.write_through)
    sys.stdout = _writer(1, sys.stdout, unbuffered)
    sys.stderr = _writer(2, sys.stderr, unbuffered)
    _forget_drawn_names_and_numbers()


def _open_as(files: list[int], numbers: Iterable[int]) -> None:
    """Give the open files these numbers, whoever had them."""
    numbers = list(numbers)
    above = max([*numbers, 2]) + 1
    moved = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, above) for file in files]
    for file in files:
        os.close(file)
    for file, number in zip(moved, numbers, strict=True):
        os.dup2(file, number)
        os.close(file)


def _writer(number: int, before: Any, unbuffered: bool) -> Any:
    """As Python opens its standard streams, with what the environment of the template has set for them."""
    by_line = number == 2 or os.isatty(number)
    if unbuffered:
        raw = open(number, "wb", 0, closefd=False)  # noqa: SIM115
        return io.TextIOWrapper(raw, before.encoding, before.errors, line_buffering=by_line, write_through=True)
    return open(number, "w", 1 if by_line else -1, encoding=before.encoding, errors=before.errors, closefd=False)


def _forget_drawn_names_and_numbers() -> None:
    """What a library has drawn while it was imported would be the same in every job."""
    random.seed()
    if "tempfile" in sys.modules:
        import tempfile

        tempfile.tempdir = None
        tempfile._name_sequence = None  # type: ignore[attr-defined]
    if "numpy.random" in sys.modules:
        import numpy as np

        np.random.seed()  # noqa: NPY002  (whoever uses the global generator without a seed)


def _run(main: Callable[[], None]) -> int:
    """The exit code of the command in sys.argv."""
    try:
        main()
    except SystemExit as error:
        if error.code is None:
            return 0
        if isinstance(error.code, int):
            return error.code & 0xFF
        print(error.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _print_traceback()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        _print_traceback()
        return 1
    return 0


def _print_traceback() -> None:
    kind, error, trace = sys.exc_info()
    if kind is not None and error is not None:
        sys.excepthook(kind, error, trace)


def _end(code: int) -> NoReturn:
    """As the interpreter ends, without taking its modules apart, which takes a tenth of a second."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except BaseException:
        code = FLUSH_FAILED
    finally:
        try:
            sys.stderr.flush()
        finally:
            os._exit(code)
