"""What `ray start` is told by RAY_START_HOOK, where it has no option for it."""

from typing import Any


def without_client_server(parameters: Any, head: bool) -> None:
    """No server for Ray's remote clients: nobody needs it, and `ray start` opens it on all interfaces."""
    parameters.ray_client_server_port = None
