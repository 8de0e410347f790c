"""How often chance makes a verdict: toys of known truth through the code that decides claims.

Each toy is a study of several models. The true metric of every model is the same, and the claim is exactly on the
border between true and false, where chance decides most often: 2.3 % for each wrong verdict, at two standard
deviations. The variance between trainings is drawn for each model:

alike        the same for all models
spread       as the moderation assumes: an inverse chi-squared distribution with 4 degrees of freedom
log-normal   ln variance spread by 1
wild         ln variance spread by 3: standard deviations differ by factors of 100

    python benchmarks/verdicts.py [TOYS]
"""

import sys
from typing import Any

import numpy as np

from bevatron.config.loading.kinds import CLAIM_TESTS
from bevatron.report.results.measured import Measured, Measurements

VARIANCES = ("alike", "spread", "log-normal", "wild")
REPLICAS = 50
CASES = [("above", 4, 0.0), ("above", 10, 0.0), ("above", 30, 0.0), ("above", 10, 0.5), ("greater", 10, 0.0)]


def draw_variances(kind: str, models: int, rng: np.random.Generator) -> np.ndarray:
    """True variances between trainings (models,)."""
    if kind == "alike":
        return np.ones(models)
    if kind == "spread":
        return 4.0 / rng.chisquare(4, models)
    return np.exp(rng.normal(0.0, {"log-normal": 1.0, "wild": 3.0}[kind], models))


def make_study(runs: int, variances: str, models: int, split: float, rng: np.random.Generator) -> Measurements:
    """Measurements of one toy: the metric `a` of each model, whose true value is 0."""
    shape = rng.standard_normal(REPLICAS)
    shape = (shape - shape.mean()) / shape.std(ddof=1)
    metrics = {}
    for k, variance in enumerate(draw_variances(variances, models, rng)):
        per_seed = np.sqrt(variance) * rng.standard_normal(runs) + split * rng.standard_normal()
        value = float(per_seed.mean())
        own = rng.standard_normal(REPLICAS)
        own = (own - own.mean()) / own.std(ddof=1)
        metrics[f"m{k}"] = {
            "a": Measured(
                "a", value, 0.0, 0.0, 0.0, per_seed, value + split * own, f"m{k}", split_error=split, metric="a"
            )
        }
    return Measurements(metrics, {}, dict.fromkeys([*metrics, None]))  # type: ignore[arg-type]


def false_rates(
    kind: str, runs: int, variances: str, models: int, split: float, toys: int, seed: int
) -> dict[str, float]:
    """The fraction of toys that end with each verdict; both are wrong half of the time on the border."""
    rng = np.random.default_rng([seed, runs, models, VARIANCES.index(variances)])
    test = CLAIM_TESTS[kind]
    of = [{"model": f"m{k}", "metric": "a"} for k in range(models)]
    options: dict[str, Any] = {
        "above": {"metric": of[0], "threshold": 0.0},
        "greater": {"first": of[0], "others": [of[1]]},
        "ordered": {"metrics": of},
    }[kind]
    parsed = test.Options.model_validate({"kind": kind, **options})
    verdicts = [test().decide(parsed, make_study(runs, variances, models, split, rng)).verdict for _ in range(toys)]
    return {verdict: verdicts.count(verdict) / toys for verdict in ("reproduced", "not reproduced", "undecided")}


def main() -> None:
    """Print a table of the two rates in percent."""
    toys = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000
    print(f"{toys} toys each; the statistical error of a rate of 2.3 % is {100 * (0.0223 / toys) ** 0.5:.2f} %.\n")
    print("| claim | models | error of the test split | variances | 2 trainings | 3 trainings | 5 trainings |")
    print("|---|---|---|---|---|---|---|")
    for kind, models, split in CASES:
        for variances in VARIANCES:
            cells = []
            for runs in (2, 3, 5):
                rates = false_rates(kind, runs, variances, models, split, toys, 1)
                cells.append(f"{100 * rates['reproduced']:.1f} / {100 * rates['not reproduced']:.1f}")
            print(f"| {kind} | {models} | {split:g} | {variances} | {' | '.join(cells)} |", flush=True)
    for runs in (2, 3, 5):
        rates = false_rates("ordered", runs, "alike", 9, 0.3, toys, 2)
        cell = f"{100 * rates['not reproduced']:.1f}"
        print(f"eight conditions, true ties, {runs} trainings of nine models: {cell} % not reproduced", flush=True)


if __name__ == "__main__":
    main()
