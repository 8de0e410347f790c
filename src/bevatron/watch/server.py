"""A server on the loopback address that runs as long as somebody watches."""

import socket
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress

from bevatron.errors import UserError
from bevatron.watch.terminal import ending_on_signals

LOOPBACK = "127.0.0.1"
REFRESH_SECONDS = 10.0
END_SECONDS = 5.0


def free_port(port: int | None, usual: int) -> int:
    """The port, if nobody listens there; where none is asked for the usual one, or any.

    Raises UserError for a port that is in use.
    """
    for candidate in (usual, 0) if port is None else (port,):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, candidate))
            return probe.getsockname()[1]
    raise UserError("--port", f"{port} is in use on {LOOPBACK}", "choose another one, or leave the option out")


def announce(what: str, port: int) -> None:
    """Print where the server is, and how to reach it from elsewhere."""
    print(f"{what}: http://{LOOPBACK}:{port} (Ctrl-C ends it)", flush=True)
    print(f"  from another machine: ssh -L {port}:{LOOPBACK}:{port} {socket.gethostname()}", flush=True)


def run_server(name: str, command: list[str], refresh: Callable[[], object]) -> None:
    """Run the command until Ctrl-C, SIGTERM or SIGHUP, and call `refresh` every few seconds.

    Raises UserError with its last words where it ends by itself.
    """
    with tempfile.TemporaryFile() as output, ending_on_signals(), suppress(KeyboardInterrupt):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=REFRESH_SECONDS)
                    break
                refresh()
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=END_SECONDS)
            process.kill()
            process.wait()
        output.seek(0)
        lines = [line for line in output.read().decode("utf-8", "replace").splitlines() if line.strip()]
        raise UserError(name, f"has ended ({lines[-1] if lines else process.returncode})", "start it again")
