"""Work done by several workers together, over the nodes of a Ray cluster, by Ray Train."""

import json
import logging
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.compute.process.flag import Flag
from bevatron.compute.process.log_tail import tail_log
from bevatron.compute.process.sigterm import flag_on_sigterm
from bevatron.compute.ray.session import RaySession, cpus_of_job
from bevatron.compute.slurm.resource_request import ResourceRequest
from bevatron.config.sections.workflow import Workers
from bevatron.errors import UserError

log = logging.getLogger("bevatron")
FAULT, STOP_REQUESTED, LINES = "fault.json", "stop-requested", "lines.log"

Work = Callable[[dict[str, Any], DistributedContext], None]


def run_workers(
    work: Work,
    payload: dict[str, Any],
    workers: int,
    settings: Workers,
    request: ResourceRequest,
    session: RaySession,
    on_gpus: bool,
    folder: Path,
    timeout: float,
    stop_error: UserError,
) -> None:
    """Call `work(payload, context)` in `workers` processes, as many on each node of `request`, and wait for them.

    `payload` holds plain values; on_gpus gives each worker one GPU. `folder`, which all nodes see, is for what the
    workers and this process tell each other. When a worker dies all start again, `settings.restarts` times, and the
    work must continue from its own checkpoints. SIGTERM to this process reaches the work through
    `DistributedContext.stop_requested`; `timeout` seconds after it, all ends with the error `stop_error`.

    Raises the UserError that the work raised, or one that says that workers died too often or that the cluster is
    too small.
    """
    folder.mkdir(parents=True, exist_ok=True)
    resources_per_worker = _resources_per_worker(workers, request, session, on_gpus)
    stop_requested = Flag(folder / STOP_REQUESTED)
    sigterm = flag_on_sigterm(stop_requested, timeout, session.is_reachable, str(stop_error))
    with _raise_instead_of_exit(stop_error), sigterm, tail_log(folder / LINES):
        for attempt in range(settings.restarts + 1):
            (folder / FAULT).unlink(missing_ok=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Ray's, about itself
                error = _attempt(work, payload, workers, settings, resources_per_worker, folder)
            if error is None:
                return
            if (folder / FAULT).exists():
                raise UserError(*json.loads((folder / FAULT).read_text(encoding="utf-8")))
            if stop_requested.is_set():
                raise stop_error
            lost = session.lost_node()
            if lost is not None:
                raise UserError(folder, f"the Ray cluster has lost its node {lost}", "run it again to go on")
            if attempt == settings.restarts:
                raise UserError(folder, f"workers died {attempt + 1} times ({error})", "run it again to go on")
            log.warning("a worker died (%s): all start again from the last checkpoint", error)


def _resources_per_worker(
    workers: int, request: ResourceRequest, session: RaySession, on_gpus: bool
) -> dict[str, float]:
    """What Ray is to reserve for a worker, such that each node holds as many of them as the others."""
    if workers % request.nodes:
        raise UserError("--workers", f"{workers} workers cannot be shared out over {request.nodes} nodes", "change one")
    if on_gpus and session.gpus < workers:
        raise UserError(
            "--workers",
            f"{workers} workers need a GPU each, and the Ray cluster has {session.gpus:g}",
            "ask for fewer workers or more GPUs, or set accelerator to 'cpu'",
        )
    cpus_here = request.cpus or (cpus_of_job() if request.nodes == 1 else session.cpus / request.nodes)
    cpus = min(cpus_here, session.cpus / request.nodes) * request.nodes / workers
    return {"CPU": int(cpus) if cpus >= 1 else cpus, **({"GPU": 1} if on_gpus else {})}


def _attempt(
    work: Work,
    payload: dict[str, Any],
    workers: int,
    settings: Workers,
    resources_per_worker: dict[str, float],
    folder: Path,
) -> str | None:
    """Run the workers once; what was wrong, if anything was."""
    from ray.train import RunConfig, ScalingConfig, TrainingFailedError
    from ray.train.torch import TorchConfig, TorchTrainer

    storage = folder / "ray-train"
    shutil.rmtree(storage, ignore_errors=True)  # Ray would resume from it: our own checkpoints alone are the state
    for name in ("ray.train", "ray"):
        logging.getLogger(name).setLevel(logging.ERROR)
    on_gpus = "GPU" in resources_per_worker
    trainer = TorchTrainer(
        _worker,
        train_loop_config={
            "work": work,
            "payload": payload,
            "strategy": settings.strategy,
            "folder": str(folder.absolute()),
        },
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=on_gpus, resources_per_worker=resources_per_worker),
        torch_config=TorchConfig(backend="nccl" if on_gpus else "gloo", timeout_s=round(settings.timeout_seconds)),
        run_config=RunConfig(name="context", storage_path=str(storage.absolute())),
    )
    try:
        trainer.fit()
    except TrainingFailedError as error:
        return _failure_line(error)
    finally:
        shutil.rmtree(storage, ignore_errors=True)
    return None


def _worker(config: dict[str, Any]) -> None:
    """One worker, in Ray's process."""
    import ray.train
    import ray.train.torch

    from bevatron.logs import log_to

    context, folder = ray.train.get_context(), Path(config["folder"])
    rank = context.get_world_rank()
    device = ray.train.torch.get_device()
    context = DistributedContext(
        rank=rank,
        size=context.get_world_size(),
        strategy=config["strategy"],
        device=device if device.type == "cuda" else None,
        stop_requested=Flag(folder / STOP_REQUESTED).is_set,
    )
    if context.is_rank_zero:
        log_to(folder / LINES)
    try:
        config["work"](config["payload"], context)
    except UserError as error:
        temporary = folder / f".{FAULT}.{rank}"
        temporary.write_text(json.dumps([str(error.where), error.what, error.todo]), encoding="utf-8")
        temporary.replace(folder / FAULT)
        raise


@contextmanager
def _raise_instead_of_exit(stop_error: UserError) -> Iterator[None]:
    """StopRequested, or what Ray makes of it where it comes in the midst of a call, becomes the error `stop_error`."""
    try:
        yield
    except SystemExit:
        raise stop_error from None


def _failure_line(error: Exception) -> str:
    """The first worker's failure in one line; Ray's message goes on for pages."""
    failures = getattr(error, "worker_failures", None) or {}
    for failure in failures.values():
        lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
        if lines:
            return lines[-1][:200] if "Traceback" in str(failure) else lines[0][:200]
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
