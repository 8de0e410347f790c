"""The server process: takes the commands of a workflow's jobs, and hands each to a template with the job's environment.

It is a child of the workflow's Snakemake and ends with it, which keeps the other end of the pipe `lifeline` open.
"""

import argparse
import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from bevatron.compute.process.messages import ConnectionEnded, close_files, peer_user, receive_message, send_message
from bevatron.fork_server.loaded_files import LoadedFiles
from bevatron.fork_server.surroundings import environment_at_import, fixed_surroundings

MAX_TEMPLATES, IDLE_SECONDS = 4, 60.0
REQUEST_SECONDS = 10.0  # a client sends its request in one go
SOCKET_NAME, LOG_NAME = "socket", "templates.log"
START_TEMPLATE = "from bevatron.fork_server.template import main; main()"


class TemplateHandle:
    """A process that imports everything, in one environment, and forks: the server's end of it."""

    def __init__(self, environment: dict[str, str], folder: Path, lifeline: int):
        ours, theirs = socket.socketpair()
        self.control, self.environment = ours, environment
        self.loaded: LoadedFiles | None = None
        self.used = time.monotonic()
        self._sending = threading.Lock()
        with theirs, open(folder / LOG_NAME, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", START_TEMPLATE, str(theirs.fileno()), str(lifeline)],
                cwd=folder,  # '' is first in its path while it imports us: nobody else writes there
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(), lifeline),
                start_new_session=True,
            )
        threading.Thread(target=self._listen, name="bevatron-template", daemon=True).start()
        self.ended = False

    def hand_over(self, request: dict[str, Any], files: list[int]) -> bool:
        """Give it a client's request, and the client's connection and open files; False where it has ended."""
        self.used = time.monotonic()
        try:
            with self._sending:
                send_message(self.control, request, tuple(files))
        except OSError:
            return False
        return not self.ended

    def is_current(self) -> bool:
        """Whether what it has imported is what lies in the files now."""
        return not self.ended and (self.loaded is None or self.loaded.are_unchanged())

    def dismiss(self) -> None:
        """No more jobs: it ends when those that it has have ended."""
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_WR)

    def _listen(self) -> None:
        with contextlib.suppress(ConnectionEnded, OSError, ValueError):
            while True:
                message, _ = receive_message(self.control)
                self.loaded = LoadedFiles.from_payload(message["loaded"])
        self.ended = True
        self.control.close()
        self._process.wait()


class Server:
    """Takes requests until the workflow has ended."""

    def __init__(self, folder: Path, lifeline: int):
        self._folder, self._lifeline = folder, lifeline
        self._fixed = _plain(fixed_surroundings())
        self._templates: list[TemplateHandle] = []
        self._choosing = threading.Lock()

    def serve(self) -> None:
        """Until the lifeline's other end is closed."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(self._folder / SOCKET_NAME))
            listener.listen(128)
            print("ready", flush=True)  # for `start`, which reads this line
            os.close(1)
            with selectors.DefaultSelector() as selector:
                selector.register(listener, selectors.EVENT_READ)
                selector.register(self._lifeline, selectors.EVENT_READ)
                while self._lifeline not in {key.fd for key, _ in selector.select()}:
                    with contextlib.suppress(OSError):
                        connection, _ = listener.accept()
                        threading.Thread(target=self._take, args=(connection,), daemon=True).start()

    def _take(self, connection: socket.socket) -> None:
        """One client: to a template, or back with the reason why not."""
        with connection:
            files: list[int] = []
            try:
                connection.settimeout(REQUEST_SECONDS)
                if peer_user(connection) != os.getuid():
                    return
                request, files = receive_message(connection)
                connection.settimeout(None)
                refusal = self._refusal(request, files) or self._hand_over(request, [connection.fileno(), *files])
                if refusal:
                    send_message(connection, {"refused": refusal})
            except (ConnectionEnded, OSError, ValueError, KeyError, TypeError, AttributeError):
                pass  # the client has gone, or is none: it starts by itself
            finally:
                close_files(files)

    def _refusal(self, request: dict[str, Any], files: list[int]) -> str:
        if len(files) != 3:
            return "it needs an input, an output and an error output to run in the fork server"
        fixed = request.pop("fixed")
        different = sorted(name for name in self._fixed if self._fixed[name] != fixed.get(name))
        return f"the fork server has another {' and '.join(different)} than this job" if different else ""

    def _hand_over(self, request: dict[str, Any], files: list[int]) -> str:
        """Why no template took the request; '' if one did."""
        environment = environment_at_import(request["environment"])
        for _ in range(2):  # one may end, or be out of date, at this very moment
            template = self._template_for(environment)
            if template is None:
                return f"the fork server has {MAX_TEMPLATES} other environments already"
            if template.hand_over(request, files):
                return ""
        return "the fork server cannot import Bevatron's packages"

    def _template_for(self, environment: dict[str, str]) -> TemplateHandle | None:
        with self._choosing:
            self._templates = [template for template in self._templates if not template.ended]
            for template in self._templates:
                if template.environment == environment:
                    if template.is_current():
                        return template
                    template.dismiss()
                    self._templates.remove(template)
                    break
            if len(self._templates) >= MAX_TEMPLATES:
                oldest = min(self._templates, key=lambda template: template.used)
                if time.monotonic() - oldest.used < IDLE_SECONDS:
                    return None
                oldest.dismiss()
                self._templates.remove(oldest)
            self._templates.append(TemplateHandle(environment, self._folder, self._lifeline))
            return self._templates[-1]


def _plain(value: Any) -> Any:
    """As it looks after its way through a message."""
    return json.loads(json.dumps(value))


def main() -> None:
    """Serve in the folder and until the end of the lifeline that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("lifeline", type=int)
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the workflow's end is ours
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        Server(options.folder, options.lifeline).serve()
    finally:
        shutil.rmtree(options.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
