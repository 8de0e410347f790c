"""Training of the networks that tag jets, beside the plain transformer and, for GN2, beside ATLAS's salt.

    python benchmarks/taggers.py [--rounds 3] [--only NAME ...] [--environments FOLDER]

A step is a batch of 1,000 jets in memory with up to 15 tracks, 6 on average (Poisson, some without any), of 19
features, and 2 features of the jet: the loss, gradients, and an update by fused Adam, in single precision with one
thread. Times are those of the thread on the processor; all take turns, so that a busy machine slows all alike.

- networks: GN2, ParticleNet (and Lite) and the Particle Transformer, each with the sizes of its paper, and smaller
  ones; jets/s beside those of `transformer` with its default sizes.
- gn2: our GN2 beside salt's of the same sizes, small ones and ATLAS's own, in salt's own environment (see `peers.py`;
  it takes about a minute to make, and is kept in `--environments`). salt gets the same jets padded to 15 tracks, with
  the kind of attention that is the faster. At least 1.2 times its jets/s are required.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

BATCH, LONGEST, MEAN = 1000, 15, 6
FEATURES = ("log_pt", "delta_eta", "delta_phi", *(f"t{i}" for i in range(16)))
MOMENTA = {"log_pt": "log_pt", "eta": "delta_eta", "phi": "delta_phi"}
GN2 = {
    "small": {"width": 64, "heads": 4, "blocks": 3, "feedforward": 128, "out": 64, "batches": 4},
    "ATLAS's": {"width": 256, "heads": 8, "blocks": 4, "feedforward": 512, "out": 128, "batches": 1},
}
NETWORKS = {
    "transformer": {"kind": "transformer"},
    "gn2, small": {
        "kind": "gn2", "embedding_widths": [64], "width": 64, "heads": 4, "blocks": 3, "feedforward": 128,
        "output_width": 64,
    },
    "gn2": {"kind": "gn2"},
    "particle_net, Lite": {
        "kind": "particle_net", "neighbours": 7, "convolutions": [[32] * 3, [64] * 3], "widths": [128],
    },
    "particle_net": {"kind": "particle_net"},
    "particle_transformer, small": {
        "kind": "particle_transformer", "momenta": MOMENTA, "embedding_widths": [64, 64], "pair_widths": [32],
        "heads": 4, "blocks": 3, "class_blocks": 1, "feedforward": 128,
    },
    "particle_transformer": {"kind": "particle_transformer", "momenta": MOMENTA},
}  # fmt: skip
ATTENTIONS = ("torch-math", "torch-flash")
REQUIRED = 1.2


def main(names: list[str], rounds: int = 3, environments: Path | None = None) -> list[dict]:
    """Rows: name, ours and the other's jets/s, their ratio, and the ratio required (0: none)."""
    rows = []
    if "networks" in names:
        rows += compare_networks(rounds)
    if "gn2" in names:
        with tempfile.TemporaryDirectory() as temporary:
            rows += compare_gn2(rounds, Path(environments or temporary))
    return rows


def compare_networks(rounds: int) -> list[dict]:
    from readers import row

    trainings = {name: Training(options, 1) for name, options in NETWORKS.items()}
    rates: dict[str, list[float]] = {name: [] for name in NETWORKS}
    for _ in range(rounds + 1):
        for name, training in trainings.items():
            rates[name].append(BATCH / training.steps())
    medians = {name: median(rate[1:]) for name, rate in rates.items()}
    return [row(f"{name}, beside transformer", medians[name], medians["transformer"], 0.0) for name in NETWORKS]


def compare_gn2(rounds: int, environments: Path) -> list[dict]:
    from peers import HERE, PEERS, clean_environment, make_environment
    from readers import row

    python, rows = make_environment(PEERS["salt"], environments / "salt"), []
    command = [str(python), str(HERE / "peers" / PEERS["salt"].script), "steps"]
    salt = subprocess.Popen(command, env=clean_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert salt.stdin
    assert salt.stdout
    try:
        for name, sizes in GN2.items():
            options = {key: sizes[key] for key in ("width", "heads", "blocks", "feedforward")}
            options |= {"kind": "gn2", "embedding_widths": [sizes["width"]], "output_width": sizes["out"]}
            training = Training(options, sizes["batches"])
            ours: list[float] = []
            theirs: dict[str, list[float]] = {attention: [] for attention in ATTENTIONS}
            for _ in range(rounds + 1):
                ours.append(training.steps())
                for attention, seconds in theirs.items():
                    request = [{**sizes, "batch": BATCH, "mean": MEAN}, attention]
                    print(json.dumps(request), file=salt.stdin, flush=True)
                    seconds.append(float(salt.stdout.readline()))
            best = min(theirs, key=lambda attention: median(theirs[attention][1:]))
            rate = sizes["batches"] * BATCH
            rows.append(
                row(
                    f"GN2, {name} sizes, beside salt ({best})",
                    *(rate / median(s[1:]) for s in (ours, theirs[best])),
                    REQUIRED,
                )
            )
    finally:
        salt.communicate()
    return rows


class Training:
    """A network and the batches that it learns from."""

    def __init__(self, architecture: dict, batches: int):
        import torch

        from bevatron.models.layers.inputs import InputGroup
        from bevatron.models.network import Network, NetworkSpec
        from bevatron.store.readers.batch import RaggedBatch

        random = torch.Generator().manual_seed(1)
        n = len(FEATURES)
        groups = {"jet": InputGroup((2,), ("pt", "eta")), "tracks": InputGroup((LONGEST, n), FEATURES, is_ragged=True)}
        torch.manual_seed(2)
        self.network = Network(NetworkSpec(architecture, groups, 3, "none")).train()
        self.optimiser = torch.optim.Adam(self.network.parameters(), fused=True)
        self.batches = []
        for _ in range(batches):
            lengths = torch.poisson(torch.full((BATCH,), float(MEAN)), generator=random).clamp(max=LONGEST).long()
            tracks = RaggedBatch(torch.randn(int(lengths.sum()), n, generator=random), lengths)
            labels = torch.randint(0, 3, (BATCH,), generator=random)
            self.batches.append(({"jet": torch.randn(BATCH, 2, generator=random), "tracks": tracks}, labels))

    def steps(self) -> float:
        """Seconds of one step for each batch."""
        from torch.nn.functional import cross_entropy

        from bevatron.compute.numerics.devices import deterministic

        with deterministic(1):
            start = time.thread_time()
            for inputs, labels in self.batches:
                loss = cross_entropy(self.network(inputs), labels)
                self.optimiser.zero_grad(set_to_none=True)
                loss.backward()
                self.optimiser.step()
            return time.thread_time() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=["networks", "gn2"], default=["networks", "gn2"])
    parser.add_argument("--rounds", type=int, default=3, help="turns of each that count")
    parser.add_argument("--environments", type=Path, help="where salt's environment is kept; absent: temporary")
    arguments = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))
    from readers import show

    show(main(arguments.only, arguments.rounds, arguments.environments), "jets")
