"""A Ray cluster for the length of a `with` block: an existing one, or a private one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bevatron.compute.process.environment import RAY_SETTINGS, environment
from bevatron.compute.process.sigterm import end_on_sigterm, ignore_sigterm, restore_sigterm
from bevatron.compute.ray.allocated_ray import allocated_ray
from bevatron.compute.ray.existing_ray import existing_ray
from bevatron.compute.ray.local_ray import local_ray
from bevatron.compute.ray.session import RaySession
from bevatron.compute.slurm.resource_request import ResourceRequest
from bevatron.config.sections.workflow import Ray

__all__ = ["RaySession", "ray_session"]


@contextmanager
def ray_session(
    settings: Ray, request: ResourceRequest, folder: Path, modules: tuple[str, ...] | None = ()
) -> Iterator[RaySession]:
    """Connect to the cluster at `settings.address`, or start a private one for the length of the block.

    A private cluster spans the nodes of the batch job where `request.nodes` is more than one, and is on this machine
    alone otherwise. It has a token and temporary folders of its own, so that two of them on one machine never meet,
    and a dashboard on the loopback address, whose URL is logged, or printed where there is no log. `settings.cpus`
    and `settings.gpus`, of each node, take precedence over those of `request`. At the end of the block, and also when
    this process is killed, the cluster's processes end and its folders are removed. What remains lies in `folder /
    "ray"`, where `folder` is seen by all nodes. `modules` are what the work imports: on this machine alone, they are
    imported once for all its processes, and with None Ray's processes start by themselves.

    Raises UserError if the cluster cannot be reached or started.
    """
    with ExitStack() as stack:
        stack.enter_context(environment(**RAY_SETTINGS))
        stack.enter_context(restore_sigterm())
        end_on_sigterm()
        if settings.address is not None:
            session = stack.enter_context(existing_ray(settings))
        elif request.nodes > 1:
            session = stack.enter_context(allocated_ray(settings, request, folder / "ray"))
        else:
            session = stack.enter_context(local_ray(settings, request, folder / "ray", modules))
        try:
            yield session
        finally:
            ignore_sigterm()  # the end takes a second or two, and nothing shall be left
