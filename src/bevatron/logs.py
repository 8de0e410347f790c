"""Log lines: coloured on a terminal, plain with the time of day in a file."""

import logging
import sys


def start_logging() -> None:
    """Send the logger "bevatron" to standard error, once a process."""
    log = logging.getLogger("bevatron")
    if log.handlers:
        return
    log.setLevel(logging.INFO)
    log.propagate = False
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.logging import RichHandler

        handler: logging.Handler = RichHandler(console=Console(stderr=True), show_path=False)
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    log.addHandler(handler)
