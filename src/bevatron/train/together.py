"""All seeds of a model fitted one after the other by the same group of workers, started once."""

from typing import Any

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.compute.slurm.resource_request import ResourceRequest
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.training.fit import fit, load_finished_fit
from bevatron.training.job import Diverged, FitJob

# What the processes of workers import.
OF_WORKERS = ("torch", "pytorch_lightning", "torch.utils.tensorboard", "ray.train.torch", "bevatron.train.together")


def fit_together(name: str, jobs: list[FitJob], workflow: Workflow, request: ResourceRequest, workers: int) -> None:
    """Fit the jobs of the model `name` that are not finished, differing in seed and folders alone, by `workers` each.

    Raises UserError for a fit that diverges, damaged data, and workers that die too often.
    """
    unfinished = [job for job in jobs if load_finished_fit(job) is None]
    if not unfinished:
        return
    from bevatron.compute.distributed.ray_workers import run_workers
    from bevatron.compute.process.sigterm import stop_timeout
    from bevatron.compute.ray.ray_session import ray_session

    first = unfinished[0]
    payload = {"name": name, "accelerator": first.accelerator, "jobs": [job.as_payload() for job in unfinished]}
    modules = None if workflow.fork_server == "off" else OF_WORKERS
    stop_error = UserError(first.folder, "the fit was asked to stop (SIGTERM)", "run it again to go on")
    with ray_session(workflow.ray, request, first.folder, modules) as session:
        on_gpus = first.accelerator == "cuda" or (first.accelerator == "auto" and session.gpus > 0)
        run_workers(
            _fit_all,
            payload,
            workers,
            workflow.workers,
            request,
            session,
            on_gpus,
            first.folder / "team",
            stop_timeout(workflow.grace_seconds),
            stop_error,
        )


def divergence_error(name: str, job: FitJob, error: Diverged) -> UserError:
    """What a user is told of a fit of the model `name` that diverged."""
    where = f"{job.study.name}/{name} seed {job.seed}"
    return UserError(where, str(error), "lower training.learning_rate")


def _fit_all(payload: dict[str, Any], context: DistributedContext) -> None:
    """The work of one worker, in a process that Ray has started."""
    for job in map(FitJob.from_payload, payload["jobs"]):
        try:
            fit(job, context=context)
        except Diverged as error:
            raise divergence_error(payload["name"], job, error) from None
