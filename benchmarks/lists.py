"""Training of the networks over lists, this code against an older commit, in turns.

    python benchmarks/lists.py --baseline COMMIT [--rounds 15] [--kinds lstm transformer] [--normalise robust]

The older commit is checked out into a temporary worktree. Each code runs in a process of its own with one thread; the
two take turns, a few steps each, so that a busy machine slows both alike. A step is a batch of 1,000 jets, as the
reader delivers it (ragged lists of 28 features, 16 features of the jet), made ready for the network, with its loss,
gradients and an update by fused Adam. Lists have up to 15 elements: 4 on average (Poisson, some empty), or all 15.
Times are those of the thread on the processor. At 4 of 15 at least 1.8 times the samples/s are required, at full lists
0.95 times. With `--normalise none` the layers alone are compared.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

BATCH, LONGEST, STEPS = 1000, 15, 6
OPTIONS = {
    "deep_sets": {},
    "lstm": {},
    "outer_fold": {},
    "outer_convolution": {},
    "transformer": {"width": 32, "heads": 4, "blocks": 1, "feedforward": 64},
}
REQUIRED = {4: 1.8, LONGEST: 0.95}


def main(
    baseline: str, rounds: int = 15, kinds: tuple[str, ...] = tuple(OPTIONS), normalise: str = "robust"
) -> list[dict]:
    """One row for each architecture and mean length: name, jets/s of this code and of the older one, their ratio (the
    median over the rounds), and the ratio required.
    """
    repository = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as folder:
        older = Path(folder) / "older"
        git = ["git", "-C", str(repository), "worktree"]
        subprocess.run([*git, "add", "--detach", str(older), baseline], check=True, capture_output=True)
        try:
            with Worker(repository, normalise) as ours, Worker(older, normalise) as theirs:
                return [compare(ours, theirs, kind, mean, rounds) for kind in kinds for mean in REQUIRED]
        finally:
            subprocess.run([*git, "remove", "--force", str(older)], check=True)


def compare(ours: "Worker", theirs: "Worker", kind: str, mean: int, rounds: int) -> dict:
    seconds = [(ours.steps(kind, mean), theirs.steps(kind, mean)) for _ in range(rounds + 1)][1:]
    new, old = (BATCH * STEPS / median(of_one) for of_one in zip(*seconds, strict=True))
    ratio = median(b / a for a, b in seconds)
    name = f"{kind}, {mean} of {LONGEST}"
    return {"name": name, "ours": new, "reference": old, "ratio": ratio, "required": REQUIRED[mean]}


class Worker:
    """A process that trains with the code of one working tree."""

    def __init__(self, tree: Path, normalise: str):
        environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, __file__, "--worker", "--normalise", normalise]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def steps(self, kind: str, mean: int) -> float:
        """Seconds of the steps of one turn."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps([kind, mean]), file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def work(normalise: str) -> None:
    """Answers each line of standard input, [kind, mean length], with the seconds of a few steps."""
    from bevatron.compute.numerics.devices import deterministic

    trainings: dict[tuple[str, int], Training] = {}
    with deterministic(1):
        for line in sys.stdin:
            kind, mean = json.loads(line)
            if (kind, mean) not in trainings:
                trainings[kind, mean] = Training(kind, mean, normalise)
            print(trainings[kind, mean].steps(), flush=True)


class Training:
    """A network and the batches that it learns from."""

    def __init__(self, kind: str, mean: int, normalise: str = "robust"):
        import torch

        from bevatron.models.layers.inputs import InputGroup
        from bevatron.models.network import Network, NetworkSpec
        from bevatron.store.readers.batch import RaggedBatch
        from bevatron.training.collate import Collate

        random = torch.Generator().manual_seed(1)
        groups = {
            "jet": InputGroup((16,), tuple(f"x{i}" for i in range(16))),
            "tracks": InputGroup((LONGEST, 28), tuple(f"t{i}" for i in range(28)), is_ragged=True),
        }
        torch.manual_seed(2)
        self.network = Network(NetworkSpec({"kind": kind, **OPTIONS[kind]}, groups, 3, normalise)).train()
        self.optimiser = torch.optim.Adam(self.network.parameters(), fused=True)
        self.collate = Collate(groups, torch.device("cpu"))
        self.batches = []
        for _ in range(STEPS):
            lengths = torch.poisson(torch.full((BATCH,), float(mean)), random).clamp(max=LONGEST).long()
            if mean == LONGEST:
                lengths.fill_(LONGEST)
            tracks = RaggedBatch(torch.randn(int(lengths.sum()), 28, generator=random), lengths)
            labels = torch.randint(0, 3, (BATCH,), generator=random)
            self.batches.append(({"jet": torch.randn(BATCH, 16, generator=random), "tracks": tracks}, labels))

    def steps(self) -> float:
        """Seconds of one step for each batch."""
        from torch.nn.functional import cross_entropy

        start = time.thread_time()
        for inputs, labels in self.batches:
            loss = cross_entropy(self.network(self.collate(inputs)), labels)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
        return time.thread_time() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--baseline", help="the commit to compare with")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each")
    parser.add_argument("--kinds", nargs="+", choices=list(OPTIONS), default=list(OPTIONS), help="architectures")
    parser.add_argument("--normalise", default="robust", help="of the networks' inputs")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.normalise)
    elif arguments.baseline is None:
        parser.error("give the commit to compare with: --baseline COMMIT")
    else:
        from readers import show

        show(main(arguments.baseline, arguments.rounds, tuple(arguments.kinds), arguments.normalise), "jets")
