"""Gradient-boosted decision trees, grown by scikit-learn and kept as plain tensors."""

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Integer, NonNegative, Positive
from bevatron.models.closed_form import Labelled, Losses
from bevatron.models.layers.flat import flat_width, flatten_groups
from bevatron.models.layers.inputs import InputGroup, Inputs

CHUNK = 10_000  # rows whose ways through all trees are held in memory at once


@architecture("boosted_trees")
class BoostedTrees(nn.Module):
    """Gradient-boosted decision trees (Friedman 2001): scikit-learn's HistGradientBoostingClassifier.

    Each round adds one tree a class (one tree in all for two classes). Grown trees become five tensors of shape
    (trees, nodes), in which node k sends a sample to `left` where its `feature` is not above `threshold`, else to
    `right`; a leaf sends it to itself and has a `value`. All trees are walked at once, level by level. The tensors'
    sizes follow from the options alone; nodes and rounds that were not grown are leaves of value zero.

    With `checkpoint: best` the rounds after the one of the lowest validation loss are dropped. Lists are flattened with
    their padding as for the `mlp`. Shapes: inputs {group: (batch, ...) or lists}; returns (batch, n_outputs).
    """

    TASKS = ("classification",)

    class Options(Options):
        rounds: Count = Field(default=100, description="rounds of boosting")
        learning_rate: Positive = Field(default=0.1, description="fraction of each tree's values that is added")
        leaves: Integer = Field(default=31, ge=2, description="leaves of a tree, at most")
        depth: Count = Field(default=6, description="splits between a tree's root and a leaf, at most")
        samples_per_leaf: Count = Field(default=20, description="training samples in a leaf, at least")
        l2: NonNegative = Field(default=0.0, description="penalty on the leaves' values")

    feature: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor
    value: Tensor
    baseline: Tensor

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups, self.options, self.n_outputs = inputs, options, n_outputs
        self.trees_per_round = 1 if n_outputs == 2 else n_outputs
        n_trees, n_nodes = options.rounds * self.trees_per_round, 2 * min(options.leaves, 2**options.depth) - 1
        self.register_buffer("feature", torch.zeros(n_trees, n_nodes, dtype=torch.int32))
        self.register_buffer("threshold", torch.zeros(n_trees, n_nodes, dtype=torch.float64))
        self.register_buffer("left", torch.arange(n_nodes, dtype=torch.int32).repeat(n_trees, 1))
        self.register_buffer("right", torch.arange(n_nodes, dtype=torch.int32).repeat(n_trees, 1))
        self.register_buffer("value", torch.zeros(n_trees, n_nodes, dtype=torch.float64))
        self.register_buffer("baseline", torch.zeros(self.trees_per_round, dtype=torch.float64))
        self.n_features = flat_width(inputs)

    def n_fitted(self) -> int:
        """A threshold or a value for each node of the grown trees, and the baseline."""
        inner = int((self.left != torch.arange(self.left.shape[1], device=self.left.device)).sum())
        grown = int((self.left[:, 0] != 0).sum())
        return 2 * inner + grown + self.trees_per_round

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...) or lists} to outputs (batch, n_outputs)."""
        scores = self.baseline + self._steps(self.rows(inputs)).sum(1)
        return self._outputs(scores).float()

    def rows(self, inputs: Inputs) -> Tensor:
        """All inputs of a sample as one row: (batch, n_features)."""
        return flatten_groups(inputs, self.groups)

    def _steps(self, rows: Tensor) -> Tensor:
        """What each tree adds to the scores: (batch, rounds, trees a round)."""
        rows = rows.double()
        n_trees, n_nodes = self.feature.shape
        root = torch.arange(n_trees, device=rows.device) * n_nodes
        node = root.expand(len(rows), n_trees)
        feature, threshold, value = self.feature.flatten(), self.threshold.flatten(), self.value.flatten()
        left, right = self.left.flatten(), self.right.flatten()
        for _ in range(self.options.depth):
            below = rows.gather(1, feature[node].long()) <= threshold[node]
            node = root + torch.where(below, left[node], right[node])
        return value[node].view(len(rows), -1, self.trees_per_round)

    def _outputs(self, scores: Tensor) -> Tensor:
        """Scores to logits: of two classes the second has the score, the first zero."""
        return functional.pad(scores, (1, 0)) if self.n_outputs == 2 else scores

    def fit_closed_form(self, training: Labelled, validation: Labelled, seed: int, keep_best: bool) -> list[Losses]:
        """Grow the trees; the mean weighted cross entropy of both splits after each round of boosting."""
        from sklearn.ensemble import HistGradientBoostingClassifier
        from threadpoolctl import threadpool_limits

        options = self.options
        trees = HistGradientBoostingClassifier(
            max_iter=options.rounds,
            learning_rate=options.learning_rate,
            max_leaf_nodes=options.leaves,
            max_depth=options.depth,
            min_samples_leaf=options.samples_per_leaf,
            l2_regularization=options.l2,
            early_stopping=False,  # pyright: ignore[reportArgumentType]  # its default "auto" hides that it takes a bool
            random_state=seed % 2**32,
        )
        with threadpool_limits(torch.get_num_threads()):  # sums over threads depend on how they are cut
            trees.fit(training.rows.numpy(), training.labels.numpy(), sample_weight=training.weights.double().numpy())
        self._copy_trees(trees)
        both = zip(self._losses(training), self._losses(validation), strict=True)
        losses = [Losses(*pair) for pair in both]
        if keep_best:
            best = min(range(len(losses)), key=lambda i: losses[i].validation)
            self._drop_rounds_after(best + 1)
        return losses

    def _copy_trees(self, trees: Any) -> None:
        """Put scikit-learn's trees into the tensors."""
        self.baseline.copy_(torch.from_numpy(trees._baseline_prediction).view(-1))
        grown = [tree for one_round in trees._predictors for tree in one_round]
        for t, tree in enumerate(grown):
            nodes = tree.nodes
            inner = torch.from_numpy(nodes["is_leaf"] == 0)
            n = len(nodes)
            itself = torch.arange(n, dtype=torch.int32)
            for name, column in (("left", "left"), ("right", "right")):
                child = torch.from_numpy(nodes[column].astype("int32"))
                getattr(self, name)[t, :n] = torch.where(inner, child, itself)
            self.feature[t, :n] = torch.where(inner, torch.from_numpy(nodes["feature_idx"].astype("int32")), 0)
            self.threshold[t, :n] = torch.where(inner, torch.from_numpy(nodes["num_threshold"].copy()), 0.0)
            self.value[t, :n] = torch.where(inner, 0.0, torch.from_numpy(nodes["value"].copy()))

    def _losses(self, split: Labelled) -> list[float]:
        """The mean weighted cross entropy after each round."""
        total = torch.zeros(self.options.rounds, dtype=torch.float64)
        for rows, labels, weights in zip(*(part.split(CHUNK) for part in split), strict=True):
            scores = self.baseline + self._steps(rows).cumsum(1)
            right = labels.view(-1, 1, 1).expand(-1, self.options.rounds, 1)
            losses = -self._outputs(scores).log_softmax(2).gather(2, right).squeeze(2)
            total += weights.double() @ losses
        return (total / split.weights.double().sum()).tolist()

    def _drop_rounds_after(self, rounds: int) -> None:
        first = rounds * self.trees_per_round
        itself = torch.arange(self.left.shape[1], dtype=torch.int32)
        for name, nothing in (("feature", 0), ("threshold", 0.0), ("value", 0.0), ("left", itself), ("right", itself)):
            getattr(self, name)[first:] = nothing
