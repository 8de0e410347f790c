"""A program that holds a Ray session over two nodes and tells what it sees; ends as its argument says.

Run as `python ray_driver.py FOLDER stay|leave|fail`.
"""

import json
import sys
import time
from pathlib import Path

import ray

from bevatron.compute.ray.ray_session import ray_session
from bevatron.compute.slurm.resource_request import ResourceRequest
from bevatron.config.sections.workflow import Ray


@ray.remote(num_cpus=1, num_gpus=1)
def place(seconds):
    """The node where this runs, held for a while so that the next one runs elsewhere."""
    time.sleep(seconds)
    return ray.get_runtime_context().get_node_id()


def main(folder: Path, ending: str) -> None:
    with ray_session(Ray(), ResourceRequest(nodes=2, cpus=2, gpus=1), folder) as session:
        nodes = {node["NodeID"]: node["NodeName"] for node in ray.nodes() if node["Alive"]}
        places = ray.get([place.remote(1) for _ in range(2)])
        facts = {
            "address": session.address,
            "url": session.dashboard_url,
            "token": str(session.token_path),
            "cpus": session.cpus,
            "gpus": session.gpus,
            "nodes": sorted(nodes.values()),
            "worked_on": sorted(nodes[place] for place in places),
        }
        print(json.dumps(facts), flush=True)
        if ending == "fail":
            raise ZeroDivisionError
        if ending == "stay":
            place.remote(1000)
            time.sleep(1000)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
