"""All differences between two reports."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bevatron.errors import UserError
from bevatron.near_names import did_you_mean
from bevatron.report.differences.metrics import MetricChange, State, compare_metrics, same_samples
from bevatron.report.differences.read_report import read_report
from bevatron.report.differences.recorded import ReportContent, StudyContent
from bevatron.report.differences.settings import (
    SettingChange,
    compare_digests,
    compare_scales_and_code,
    compare_settings,
    compare_software,
    merge_stages,
    merge_studies,
    settings_unknown,
)
from bevatron.report.differences.verdicts import VerdictChange, compare_verdicts

Failing = Literal["verdicts", "metrics"]
Pairs = list[tuple[StudyContent, StudyContent]]


@dataclass(frozen=True)
class Differences:
    """What differs between the reports A and B.

    studies: those of both; only_a, only_b: those of one. same_samples: studies tested on the same samples in both.
    same_weights: trainings whose weights are equal bit for bit, and how many both sides have. unknown: what cannot be
    compared, as (side, study, what).
    """

    a: Path
    b: Path
    studies: tuple[str, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    verdicts: tuple[VerdictChange, ...]
    same_verdicts: int
    metrics: tuple[MetricChange, ...]
    settings: tuple[SettingChange, ...]
    code: tuple[SettingChange, ...]
    software: tuple[SettingChange, ...]
    digests: tuple[SettingChange, ...]
    same_samples: tuple[str, ...]
    same_weights: tuple[int, int]
    unknown: tuple[tuple[str, str, str], ...]

    def metrics_with(self, *states: State) -> list[MetricChange]:
        """Metrics in one of some states; those with the largest distance first."""
        found = [change for change in self.metrics if change.state in states]
        return sorted(found, key=lambda change: -abs(change.distance) if change.distance == change.distance else 0.0)

    @property
    def identical(self) -> bool:
        """Whether all was compared, and nothing differs."""
        differing = (self.only_a, self.only_b, self.verdicts, self.settings, self.code, self.software, self.digests)
        same_weights, weights = self.same_weights
        all_equal = all(change.state == "equal" for change in self.metrics) and same_weights == weights
        return all_equal and not any(differing) and not self.unknown

    def fails(self, what: Failing) -> bool:
        """Whether verdicts changed, or metrics moved. What A has and B has not, or what cannot be compared, counts."""
        unknown = any(missing.startswith(what) for _, _, missing in self.unknown)
        if what == "verdicts":
            found = any(change.a is not None for change in self.verdicts)
        else:
            found = any(change.state in ("moved", "only in A") for change in self.metrics)
        return found or unknown or bool(self.only_a)


def compare_reports(path_a: Path, path_b: Path, studies: Sequence[str] | None = None) -> Differences:
    """Compares two reports, or results.

    studies: to compare these alone. Raises UserError for a side that cannot be read, and where both sides have no
    study in common.
    """
    a, b = read_report(path_a), read_report(path_b)
    names_a, names_b = _selected(a, b, studies)
    common = [name for name in names_a if name in names_b]
    if not common:
        what = f"has no study in common with {path_b}; it has: {', '.join(names_a) or 'none'}"
        raise UserError(path_a, what, f"{path_b} has: {', '.join(names_b) or 'none'}")
    pairs = [(a.studies[name], b.studies[name]) for name in common]
    verdicts = [compare_verdicts(*pair) for pair in pairs]
    return Differences(
        path_a,
        path_b,
        tuple(common),
        tuple(name for name in names_a if name not in names_b),
        tuple(name for name in names_b if name not in names_a),
        tuple(change for changes, _ in verdicts for change in changes),
        sum(same for _, same in verdicts),
        tuple(compare_metrics(pairs)),
        _of_all(compare_settings, pairs),
        _of_all(compare_scales_and_code, pairs),
        tuple(merge_stages(_of_all(compare_software, pairs))),
        _of_all(compare_digests, pairs),
        tuple(of_a.name for of_a, of_b in pairs if same_samples(of_a, of_b)),
        _same_weights(pairs),
        tuple(line for pair in pairs for line in _unknown(*pair)),
    )


def _selected(a: ReportContent, b: ReportContent, studies: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """The studies of each side that are compared: of the page of one study, that study alone."""
    known = dict.fromkeys([*a.studies, *b.studies])
    for name in studies or ():
        if name not in known:
            what = f"no report has the study '{name}'{did_you_mean(name, known)}"
            raise UserError("--study", what, f"they have: {', '.join(known)}")
    wanted = [name for name in known if studies is None or name in studies]
    for side in (a, b):
        if side.one_page:
            wanted = [name for name in wanted if name in side.studies]
    return [name for name in wanted if name in a.studies], [name for name in wanted if name in b.studies]


def _of_all(
    compare: Callable[[StudyContent, StudyContent], list[SettingChange]], pairs: Pairs
) -> tuple[SettingChange, ...]:
    return tuple(merge_studies(change for pair in pairs for change in compare(*pair)))


def _same_weights(pairs: Pairs) -> tuple[int, int]:
    same = total = 0
    for a, b in pairs:
        of_a, of_b = _weights(a), _weights(b)
        common = of_a.keys() & of_b.keys()
        total += len(common)
        same += sum(of_a[key] == of_b[key] for key in common)
    return same, total


def _weights(study: StudyContent) -> dict[tuple[str, int | None, int], str]:
    return {
        (name, run.fold, run.seed): run.weights_sha256
        for name, model in study.part.models.items()
        for run in model.runs
        if run.weights_sha256 is not None
    }


def _unknown(a: StudyContent, b: StudyContent) -> list[tuple[str, str, str]]:
    """What a side does not say, as it says: an older Bevatron wrote it, or it is of results without a report."""
    lines = []
    for letter, side in (("A", a), ("B", b)):
        missing = list(side.unknown)
        if side.metrics is None and not any(what.startswith("metrics") for what in missing):
            missing.append("metrics (its tables have none)")
        if settings := settings_unknown(side):
            missing.append(settings)
        if side.part.code_versions is None:
            missing.append("versions of source and recipe")
        lines += [(letter, side.name, what) for what in missing]
    return lines
