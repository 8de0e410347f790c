"""Somebody's Ray cluster, by its address."""

import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bevatron.compute.process.environment import RAY_SETTINGS
from bevatron.compute.process.sigterm import end_on_sigterm
from bevatron.compute.ray.ray_token import check_token, token_authentication
from bevatron.compute.ray.session import RaySession, first_line, session_of
from bevatron.config.sections.workflow import Ray
from bevatron.errors import UserError


@contextmanager
def existing_ray(settings: Ray) -> Iterator[RaySession]:
    """Connect to the cluster at `settings.address`, with the token of `settings.token` where it is given.

    Raises UserError if the cluster cannot be reached, or the token file is absent or open to others.
    """
    import ray

    address = settings.address
    if address is None:
        raise UserError("ray.address", "names no cluster", "write host:port")
    host, _, port = address.removeprefix("ray://").rpartition(":")
    with ExitStack() as stack:
        token = None
        if settings.token is not None:
            token = check_token(Path(settings.token))
            stack.enter_context(token_authentication(token))
        try:
            with socket.create_connection((host, int(port)), timeout=10):  # Ray itself tries for many minutes
                pass
            context = ray.init(
                address=address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": RAY_SETTINGS},
            )
        except Exception as error:  # Ray raises ConnectionError, RuntimeError, ValueError and errors of its own here
            raise UserError(
                "ray.address",
                f"no Ray cluster can be reached at {address} ({first_line(error)})",
                "start it, correct the address, or leave it out for a private cluster; a cluster with "
                "authentication needs the path of its token file as ray.token",
            ) from error
        stack.callback(ray.shutdown)
        end_on_sigterm()
        yield session_of(address, context.dashboard_url, token)
