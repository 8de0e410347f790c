"""For which features a study says what becomes of missing values."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any


def check_missing(missing: Mapping[str, Any], features: Mapping[str, list[str]]) -> None:
    """Raises ValueError for a key of `missing` that is no group, feature or 'all'; features: of each group."""
    known = ["all", *features, *(f"{group}.{name}" for group, names in features.items() for name in names)]
    for key in missing:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            todo = f"; did you mean '{near[0]}'?" if near else ""
            raise ValueError(f"missing: '{key}' is no group, feature (group.feature) or 'all'{todo}")


def check_indicators(missing: Mapping[str, Any], features: Mapping[str, list[str]]) -> None:
    """Raises ValueError where the indicator of a missing value has the name of a feature; features: of each group."""
    for group, names in features.items():
        for name in names:
            policy = next((missing[key] for key in (f"{group}.{name}", group, "all") if key in missing), None)
            if policy is not None and policy.policy == "mean" and f"{name}_missing" in names:
                raise ValueError(
                    f"groups.{group}: '{name}_missing' is a feature, and tells where '{name}' is missing too"
                )
