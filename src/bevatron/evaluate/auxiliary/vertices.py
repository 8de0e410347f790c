"""Metrics of vertices that are found by connecting pairs of elements."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from bevatron.config.sections.performance import VertexFinding
from bevatron.evaluate.auxiliary.matching import LEAST, MatchedVertices, join_pairs, match_vertices
from bevatron.evaluate.auxiliary.sums import BINS, ReplicaWeights, area_under_curve, counts_by_sample, score_bins
from bevatron.evaluate.statistics.series import Series, join_series
from bevatron.evaluate.statistics.working_point import plain

SIZES = 5  # bins of the number of elements of a true vertex: 2, 3, 4, 5, and 6 or more
N_TRUE, N_FOUND_TRUE, N_FOUND, N_MATCHED, SUM_PURITY = range(5)  # columns of `_columns`


class PairLogits(NamedTuple):
    """Pairs of elements: rows of both among all elements, number of the sample, and logit, (n_pairs,) each."""

    first: np.ndarray
    second: np.ndarray
    sample: np.ndarray
    logit: np.ndarray


@dataclass
class VertexSums:
    """Sums over the vertices of all samples that one network finds, in each replica.

    by_class (n_classes + 1, 5, replicas + 1): sums of the five columns over all samples, and over those of each class;
    by_size (2, SIZES, replicas + 1): true vertices, and true vertices that are found, by their number of elements;
    by_variable: the same in the bins of each profile, (2, bins, replicas + 1); pairs (2, BINS, replicas + 1): pairs of
    different vertices, and of the same vertex, in bins of their logit; vertices: unweighted numbers of true vertices,
    by class as in `by_class`, by size and by profile.
    """

    by_class: np.ndarray
    by_size: np.ndarray
    pairs: np.ndarray
    by_variable: dict[str, np.ndarray]
    vertices: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def zero(cls, n_classes: int, n_replicas: int, bins: Mapping[str, int]) -> "VertexSums":
        """The sums of no samples; bins: the number of bins of each profile."""
        return cls(
            np.zeros((n_classes + 1, 5, n_replicas)),
            np.zeros((2, SIZES, n_replicas)),
            np.zeros((2, BINS, n_replicas)),
            {name: np.zeros((2, n, n_replicas)) for name, n in bins.items()},
            {"class": np.zeros(n_classes + 1, np.int64), "size": np.zeros(SIZES, np.int64)}
            | {name: np.zeros(n, np.int64) for name, n in bins.items()},
        )

    def add(
        self,
        pairs: PairLogits,
        true: np.ndarray,
        lengths: np.ndarray,
        weights: ReplicaWeights,
        finding: VertexFinding,
        classes: np.ndarray | None,
        bins: Mapping[str, np.ndarray],
    ) -> None:
        """Adds the vertices of lists with these lengths, (n,).

        true (n_elements,): the number of each element's true vertex, below 0 if it has none; classes (n,): the class of
        each sample, below 0 if it has none; bins: for each profile the bin of each sample (n,), below 0 outside of all.
        """
        n = len(lengths)
        joined = pairs.logit > logit_of(finding.threshold)
        found = join_pairs(pairs.first[joined], pairs.second[joined], len(true))
        matched = match_vertices(found, true, np.repeat(np.arange(n), lengths), finding.primary)
        columns = _columns(matched, n)
        for number in range(len(self.by_class)):
            rows = np.ones(n, bool) if number == 0 or classes is None else classes == number - 1
            self.by_class[number] += weights.sums(columns * rows[:, None])
            self.vertices["class"][number] += int(columns[rows, N_TRUE].sum())
        size = np.minimum(matched.true_size - LEAST, SIZES - 1)
        self._add_true(self.by_size, "size", matched, size, n, weights)
        for name, of_samples in bins.items():
            self._add_true(self.by_variable[name], name, matched, of_samples[matched.true_sample], n, weights)
        same = (true[pairs.first] == true[pairs.second]) & (true[pairs.first] >= 0)
        cells = counts_by_sample(pairs.sample, same * BINS + score_bins(pairs.logit), n, 2 * BINS)
        self.pairs += weights.sums(cells).reshape(self.pairs.shape)

    def _add_true(
        self, sums: np.ndarray, name: str, matched: MatchedVertices, bins: np.ndarray, n: int, weights: ReplicaWeights
    ) -> None:
        """Adds true vertices, and those that are found, by their bins (n_true,), which are below 0 outside of all."""
        n_bins, inside = sums.shape[1], bins >= 0
        self.vertices[name] += np.bincount(bins[inside], minlength=n_bins)
        for number, rows in enumerate((inside, inside & matched.is_found)):
            sums[number] += weights.sums(counts_by_sample(matched.true_sample[rows], bins[rows], n, n_bins))

    def __add__(self, other: "VertexSums") -> "VertexSums":
        return VertexSums(
            self.by_class + other.by_class,
            self.by_size + other.by_size,
            self.pairs + other.pairs,
            {name: sums + other.by_variable[name] for name, sums in self.by_variable.items()},
            {name: number + other.vertices[name] for name, number in self.vertices.items()},
        )


def logit_of(p: float) -> float:
    """log(p / (1 - p)); infinite for 0 and 1."""
    with np.errstate(divide="ignore"):
        return float(np.log(np.float64(p)) - np.log1p(-np.float64(p)))


def _columns(matched: MatchedVertices, n: int) -> np.ndarray:
    """For each sample, (n, 5): the numbers of its true vertices, of those that are found, of its found vertices, and of
    those that are matched; the sum of the purities of its found vertices.
    """
    columns = [
        np.bincount(matched.true_sample, minlength=n),
        np.bincount(matched.true_sample, matched.is_found, minlength=n),
        np.bincount(matched.found_sample, minlength=n),
        np.bincount(matched.found_sample, matched.is_matched, minlength=n),
        np.bincount(matched.found_sample, matched.found_purity, minlength=n),
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def vertex_series(of_seeds: list[VertexSums], classes: tuple[str, ...]) -> Series:
    """Every metric by its name. All but the last are also given for the samples of each class, as `<metric>.<class>`.

    efficiency   fraction of the true vertices of two or more elements that are found (`matching.match_vertices`)
    purity       mean over the found vertices of the largest fraction of their elements from one true vertex
    fake_rate    fraction of the found vertices that are matched with no true vertex
    pair_auc     area under the ROC curve of pairs that share a vertex against others, in bins of the logit
    """
    parts = {"": _of_class(of_seeds, 0)} | {name: _of_class(of_seeds, k) for k, name in enumerate(classes, start=1)}
    whole = parts.pop("")
    pair_auc = Series({"pair_auc": [area_under_curve(s.pairs[1], s.pairs[0]) for s in of_seeds]})
    return whole | pair_auc | join_series(parts, {})


def _of_class(of_seeds: list[VertexSums], number: int) -> Series:
    values: dict[str, list[np.ndarray]] = {"efficiency": [], "purity": [], "fake_rate": []}
    with np.errstate(invalid="ignore", divide="ignore"):  # no vertices in a replica, or in all
        for sums in of_seeds:
            columns = sums.by_class[number]
            values["efficiency"].append(columns[N_FOUND_TRUE] / columns[N_TRUE])
            values["purity"].append(columns[SUM_PURITY] / columns[N_FOUND])
            values["fake_rate"].append(1.0 - columns[N_MATCHED] / columns[N_FOUND])
    return Series(values)


def vertex_curves(
    of_seeds: list[VertexSums], finding: VertexFinding, variables: Mapping[str, dict[str, Any]], confidence: float
) -> dict[str, Any]:
    """The data of the plots.

    threshold   probability above which a pair is connected
    by_size     efficiency by the number of elements of the true vertex {"sizes": the last means "or more", "value":
                mean over the seeds, "low", "high": interval from the test split's size, "vertices": their number}
    profiles    the same in bins of each of `variables`, with its "edges" and "unit"
    """
    by_size = _efficiency([s.by_size for s in of_seeds], confidence)
    numbers = of_seeds[0].vertices
    profiles = {
        name: {
            **about,
            **_efficiency([s.by_variable[name] for s in of_seeds], confidence),
            "vertices": numbers[name].tolist(),
        }
        for name, about in variables.items()
    }
    return {
        "threshold": finding.threshold,
        "by_size": {
            "sizes": list(range(LEAST, LEAST + SIZES)),
            **by_size,
            "vertices": numbers["size"].tolist(),
        },
        "profiles": profiles,
    }


def _efficiency(of_seeds: list[np.ndarray], confidence: float) -> dict[str, list]:
    """The efficiencies from sums (2, bins, replicas + 1) of all true vertices and of those that are found."""
    with np.errstate(invalid="ignore", divide="ignore"):
        replicas = np.mean([found / true for true, found in of_seeds], axis=0)
    low, high = np.full((2, len(replicas)), np.nan)
    for k, row in enumerate(replicas[:, 1:]):
        if np.isfinite(row).any():
            low[k], high[k] = np.nanquantile(row, [(1 - confidence) / 2, (1 + confidence) / 2])
    return {"value": plain(replicas[:, 0]), "low": plain(low), "high": plain(high)}
