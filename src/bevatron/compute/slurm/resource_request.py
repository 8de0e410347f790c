"""What a batch job was given."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ResourceRequest:
    """Nodes, and of each its CPU cores and GPUs; None is what is visible there."""

    nodes: int = 1
    cpus: int | None = None
    gpus: int | None = None


ONE_NODE = ResourceRequest()
