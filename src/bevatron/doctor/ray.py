"""An existing Ray cluster, where the configuration names one."""

import socket
from collections.abc import Iterator
from pathlib import Path

from bevatron.compute.ray.ray_token import check_token
from bevatron.doctor.case import Case
from bevatron.doctor.finding import Finding, bad, good, note
from bevatron.errors import UserError


def check_cluster(case: Case) -> Iterator[Finding]:
    """Its address answers, and its token is this user's alone."""
    ray = case.workflow.ray
    if ray.address is None:
        yield good("Ray", "private clusters, each with a token of its own")
        return
    host, _, port = ray.address.removeprefix("ray://").rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=10):
            yield good("Ray cluster", f"{ray.address} answers")
    except (OSError, ValueError) as error:
        yield bad("Ray cluster", f"{ray.address}: {error}", "start it, correct ray.address, or leave it out")
    if ray.token is None:
        yield note("Ray's token", "ray.token names none", "name the file, unless the cluster asks for no token")
        return
    try:
        yield good("Ray's token", f"{check_token(Path(ray.token))}, for this user alone")
    except UserError as error:
        yield bad("Ray's token", f"{error.where}: {error.what}", error.todo)
