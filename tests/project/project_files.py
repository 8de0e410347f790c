"""A project with a source, a recipe, an architecture and a claim test of its own, and a study that uses them."""

from pathlib import Path

LINEAR = """
from torch import nn
from bevatron.config.loading.kinds import Options, architecture
from .layers import make_layer

@architecture("linear")
class Linear(nn.Module):
    class Options(Options):
        scale: float = 1.0

    def __init__(self, options, inputs, n_outputs):
        super().__init__()
        self.group, shape = next(iter(inputs.items()))
        self.scale, self.layer = options.scale, make_layer(shape.size, n_outputs)

    def forward(self, inputs):
        return self.scale * self.layer(inputs[self.group].flatten(1))
"""
LAYERS = """
from torch import nn

def make_layer(n, m):
    return nn.Linear(n, m)
"""
RING = """
import numpy as np
from bevatron.config.loading.kinds import Options, recipe, source
from bevatron.store.shards.columns import Dense, Group, Samples

@source("ring")
class RingSource:
    VERSION = 1

    class Options(Options):
        points: int = 500

    def simulate(self, options, shard, seed):
        points = seed.generator().standard_normal((options.points, 2)).astype(np.float32)
        inside = (np.hypot(*points.T) < 1.2).astype(np.int64)
        ids = (np.uint64(shard) << np.uint64(40)) | np.arange(len(points), dtype=np.uint64)
        return Samples({"point": Group(Dense(points), ("x", "y"), ("", ""))}, {"class": inside}, ids), {}

    def versions(self):
        return {"numpy": np.__version__}

@recipe("ring")
class Ring:
    VERSION = 1

    class Options(Options):
        pass

    def prepare(self, options, raw, seed, training):
        return raw
"""
BETTER = """
from bevatron.config.loading.kinds import claim_test
from bevatron.report.claims.decision import Condition, decide
from bevatron.report.claims.reference import MetricReference, TestOptions

@claim_test("better_than_nothing")
class BetterThanNothing:
    class Options(TestOptions):
        metric: MetricReference

        def references(self):
            return [self.metric]

    def decide(self, options, measurements):
        number = options.metric.find_measured(measurements)
        condition = Condition(((1.0, number),), -0.2, "above 0.2")
        return decide([condition], [number], "My own words.", options, measurements)
"""
STUDY = """
name: rings
title: Rings
summary: Points of the project's own.
simulation: {source: {kind: ring}}
dataset: {recipe: {kind: ring}}
task: {kind: classification, target: class, classes: [outside, inside], signal: inside}
n_seeds: 1
models:
  own: {title: own, inputs: [point], architecture: {kind: linear}, training: {epochs: 1}}
  mlp: {title: MLP, inputs: [point], architecture: {kind: mlp, widths: [4]}, training: {epochs: 1}}
claims:
  - id: own_claim
    statement: It does better than nothing.
    source: an expectation
    test: {kind: better_than_nothing, metric: {model: own, metric: accuracy}}
"""


def make_project(folder: Path) -> Path:
    """Writes them into a new folder, which is returned."""
    (folder / "config" / "studies").mkdir(parents=True)
    (folder / "config" / "config.yaml").write_text("studies: [rings]\nmodules: modules\n")
    (folder / "config" / "studies" / "rings.yaml").write_text(STUDY)
    (folder / "modules").mkdir()
    for name, text in (("linear", LINEAR), ("layers", LAYERS), ("ring", RING), ("better_than_nothing", BETTER)):
        (folder / "modules" / f"{name}.py").write_text(text)
    return folder
