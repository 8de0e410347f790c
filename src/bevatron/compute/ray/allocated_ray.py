"""A private Ray cluster over the nodes of a batch job: the head here, on the first node, one worker on each other."""

import logging
import queue
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bevatron.compute.process.sigterm import end_on_sigterm
from bevatron.compute.ray.node_process import NodeEvent, NodeProcess, dismiss_all
from bevatron.compute.ray.ray_metrics import archive_metrics
from bevatron.compute.ray.ray_token import new_token, token_authentication
from bevatron.compute.ray.session import RaySession, cpus_of_job, first_line, log_dashboard, session_of
from bevatron.compute.ray.session_record import recorded_session
from bevatron.compute.slurm.allocation import Allocation, allocation, node_address
from bevatron.compute.slurm.resource_request import ResourceRequest
from bevatron.config.sections.workflow import Ray
from bevatron.errors import UserError

log = logging.getLogger("bevatron")
POLL_SECONDS = 0.1


@contextmanager
def allocated_ray(settings: Ray, request: ResourceRequest, records: Path) -> Iterator[RaySession]:
    """Start Ray on `request.nodes` nodes of this Slurm job, and end it with the block or with this process.

    Every node's own log is in `kept / "nodes"`, the token in `kept / "token"` as long as the cluster runs; Ray's logs
    go to `kept / "logs"` if the start or the block fails. Raises UserError if the job has another number of nodes, or
    if not exactly these nodes with exactly these cores and GPUs are there after `settings.start_seconds`.
    """
    deadline = time.monotonic() + settings.start_seconds
    job = allocation(request.nodes)
    records = records.absolute()
    (records / "nodes").mkdir(parents=True, exist_ok=True)
    requested = ResourceRequest(
        request.nodes,
        settings.cpus or request.cpus or cpus_of_job(),
        request.gpus if settings.gpus is None else settings.gpus,
    )
    with ExitStack() as stack:
        token = new_token(records / "token")
        stack.callback(token.unlink, missing_ok=True)
        stack.enter_context(token_authentication(token))
        cluster = stack.enter_context(_launch(job, requested, token, records, settings.dashboard))
        session = cluster.connect(requested, token, deadline, stack)
        log_dashboard(session, settings.dashboard)
        stack.enter_context(archive_metrics(records / "metrics", session))
        stack.enter_context(recorded_session(records, session))
        yield session


@contextmanager
def _launch(
    job: Allocation, requested: ResourceRequest, token: Path, records: Path, dashboard: bool
) -> Iterator["_Cluster"]:
    """The processes that start Ray on all nodes at once; they end with the block, and keep logs if it fails."""
    options = [f"--job={job.job}", f"--cpus={requested.cpus}", f"--token={token}", f"--kept={records}"]
    options += [] if requested.gpus is None else [f"--gpus={requested.gpus}"]
    options += [] if job.memory is None else [f"--memory={job.memory}"]
    cluster = _Cluster()
    all_well = True
    try:
        for number, name in enumerate(job.nodes):
            mine = [*options, f"--number={number}"]
            if number == 0:
                mine += ["--head", f"--peer={node_address(job.nodes[1])}", *(["--dashboard"] if dashboard else [])]
            prefix = srun(job.job, name, requested) if number else []
            cluster.nodes.append(NodeProcess(name, prefix, mine, records / "nodes" / f"{name}.log", cluster.events))
        yield cluster
    except Exception as error:
        all_well = cluster.complete and isinstance(error, UserError)
        raise
    finally:
        dismiss_all(cluster.nodes, all_well)
        if not all_well and (records / "logs").is_dir():
            log.error("Ray's own logs are kept in %s", records / "logs")


def srun(job: str, node: str, requested: ResourceRequest) -> list[str]:
    """The command that runs another on one node of the job, with all that the job has there."""
    command = ["srun", f"--jobid={job}", f"--nodelist={node}", "--nodes=1", "--ntasks=1", "--overlap", "--mpi=none"]
    command += [f"--cpus-per-task={requested.cpus}", "--cpu-bind=none", f"--job-name=ray-{node}"]
    return command + ([f"--gres=gpu:{requested.gpus}"] if requested.gpus else [])


class _Cluster:
    """The nodes of a cluster that comes up; the first is the head."""

    def __init__(self) -> None:
        self.nodes: list[NodeProcess] = []
        self.events: queue.Queue[NodeEvent] = queue.Queue()
        self.complete = False

    def connect(self, requested: ResourceRequest, token: Path, deadline: float, stack: ExitStack) -> RaySession:
        """Connect to the head and wait for the others; `stack` gets what disconnects."""
        import ray

        head, *others = self.nodes
        address = self._addresses([head], deadline)[head]
        for node in others:
            node.send(f"join {address}")
        try:
            context = ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:  # Ray raises ConnectionError, RuntimeError, ValueError and errors of its own here
            raise head.error(f"this process cannot connect to it ({first_line(error)})") from error
        stack.callback(ray.shutdown)
        end_on_sigterm()
        self._addresses(others, deadline)
        self._check_counts(requested, deadline)
        self.complete = True
        return session_of(address, context.dashboard_url, token)

    def _addresses(self, nodes: list[NodeProcess], deadline: float) -> dict[NodeProcess, str]:
        """The addresses of these nodes, when all are up; UserError for one that fails or does not come in time."""
        addresses: dict[NodeProcess, str] = {}
        while len(addresses) < len(nodes):
            try:
                node, event = self.events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                late = next(node for node in nodes if node not in addresses)
                raise late.error("it did not come in time; ray.start_seconds says how long to wait") from None
            if event["event"] != "up":
                raise node.error(f"Ray does not run there ({event.get('why') or node.last_log_line()})")
            node.raylet = event["raylet"]
            addresses[node] = event["address"]
        return addresses

    def _check_counts(self, requested: ResourceRequest, deadline: float) -> None:
        """Wait until Ray counts exactly these nodes, with exactly these cores and GPUs each."""
        import ray

        expected = sorted((node.name, requested.cpus, requested.gpus) for node in self.nodes)
        while True:
            alive = [(node["NodeName"], node["Resources"]) for node in ray.nodes() if node["Alive"]]
            counted = sorted(
                (name, has.get("CPU", 0), None if requested.gpus is None else has.get("GPU", 0)) for name, has in alive
            )
            if counted == expected:
                return
            if time.monotonic() > deadline:
                raise UserError("Ray", f"its nodes (name, cores, GPUs) are {counted}", f"{expected} were asked for")
            time.sleep(POLL_SECONDS)
