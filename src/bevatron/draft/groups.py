"""Input groups of a draft: numbers of the sample, lists of elements, images."""

from collections.abc import Container
from typing import Any

import numpy as np

from bevatron.draft.contents import GroupDraft, MissingDraft, NamedExpression, StudyDraft
from bevatron.draft.lists import ListColumns
from bevatron.draft.names import as_expression, as_feature, as_name, shown
from bevatron.draft.profile import ValueSummary, number, profile
from bevatron.draft.roles import FLAGS, is_truth
from bevatron.draft.sample import Sample
from bevatron.tables.table import Column

MOST_ELEMENTS = 200
FIRST_IMAGE_SIDE = 8


def group_of_numbers(
    columns: dict[str, tuple[str, ValueSummary]], missing: dict[str, MissingDraft], taken: Container[str]
) -> GroupDraft | None:
    """One group of all these columns, given by name with expression and profile; None where there is none."""
    if not columns:
        return None
    group = GroupDraft(as_name(_common_stem(list(columns)) or "event", taken), "sample")
    features: set[str] = set()
    for name, (expression, found) in columns.items():
        feature = as_feature(name, features)
        features.add(feature)
        group.features.append(NamedExpression(feature, expression, found.describe()))
        _treat_missing(group.name, feature, found, missing)
    return group


def group_of_lists(lists: ListColumns, sample: Sample, study: StudyDraft, taken: Container[str]) -> GroupDraft | None:
    """The group of these lists; its derived columns and missing values go to the study."""
    single = next(iter(lists.flat), "") if len(lists.flat) == 1 else ""
    group = GroupDraft(as_name(lists.stem or single or "particles", taken, "list"), "list", comments=lists.comments)
    padding = lists.padding
    if padding is not None and padding.expression:
        group.keys["exists"] = padding.expression
    features: set[str] = set()
    left = []
    for name, values in lists.flat.items():
        column = sample.columns.get(name) or sample.columns.get(name.rpartition(".")[0])
        found = profile(values, column.dtype if column is not None else values.dtype.name)
        if is_truth(name) or (FLAGS.search(name) and found.is_constant):
            left.append(f"{shown(name)} ({found.describe()})")
        elif found.missing == 1.0 and found.n:
            left.append(f"{shown(name)} (no finite value)")
        elif found.is_constant and found.n >= 100:
            left.append(f"{shown(name)} (constant: {number(found.low)})")
        else:
            feature = as_feature(name.replace(".", "_") if name not in sample.columns else _last(name), features)
            features.add(feature)
            group.features.append(NamedExpression(feature, lists.expressions[name], found.describe()))
            _treat_missing(group.name, feature, found, study.missing)
    lengths = lists.lengths
    if len(lengths):
        size = f"{lengths.min()} to {lengths.max()} elements, {lengths.mean():.3g} on average"
        group.comments.insert(0, size)
    if left:
        group.comments.append("left out: " + ", ".join(left))
    if not group.features:
        study.notes.append("ListColumns without a column that could be an input, left out:")
        study.notes.append("  " + ", ".join(left))
        return None
    if len(lengths) and lengths.max() > MOST_ELEMENTS:
        group.comments.append(f"`max_length: {MOST_ELEMENTS}` with `order_by` would keep the first elements alone")
    study.derived += lists.derived
    return group


def group_of_images(name: str, column: Column, values: np.ndarray, taken: Container[str]) -> GroupDraft | None:
    """The group of images in a column; None for a shape that is none."""
    place = _channels(column.shape)
    expression = as_expression(name)
    if place is None or expression is None or is_truth(name):
        return None
    low, high = _range(values)
    group = GroupDraft(as_name(name, taken), "image", keys={"column": name, "channels": place})
    shape = column.shape
    group.size = (1, *shape) if place == "none" else shape if place == "first" else (shape[2], *shape[:2])
    if column.dtype == "uint8":
        group.keys["scale"] = 0.00392156862745098  # 1 / 255
    group.comments.append(f"{column.dtype} of {' x '.join(map(str, column.shape))}, {number(low)} to {number(high)}")
    if place != "none":
        group.comments.append(f"LOOK: channels taken to be the {place} axis of each image")
    return group


def _channels(shape: tuple[int, ...]) -> str | None:
    if len(shape) == 2 and min(shape) >= FIRST_IMAGE_SIDE:
        return "none"
    if len(shape) == 3:
        if shape[2] <= 16 and min(shape[:2]) >= FIRST_IMAGE_SIDE:
            return "last"
        if shape[0] <= 16 and min(shape[1:]) >= FIRST_IMAGE_SIDE:
            return "first"
    return None


def _range(values: np.ndarray) -> tuple[Any, Any]:
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values.reshape(-1)
    return (finite.min(), finite.max()) if len(finite) else (0, 0)


def _treat_missing(group: str, feature: str, found: ValueSummary, missing: dict[str, MissingDraft]) -> None:
    if not found.missing and not found.sentinels:
        return
    share = found.missing + sum(found.sentinels.values())
    missing[f"{group}.{feature}"] = MissingDraft("mean", sorted(found.sentinels), f"{100 * share:.2g} % of the sample")


def _last(name: str) -> str:
    return name.rpartition(".")[2] or name


def _common_stem(names: list[str]) -> str:
    """What most of the names begin with, up to a _ or dot."""
    from collections import Counter

    starts = Counter(name.replace(".", "_").split("_")[0] for name in names if "_" in name or "." in name)
    if not starts:
        return ""
    start, count = starts.most_common(1)[0]
    return start if count >= 0.9 * len(names) and any(sign.isalpha() for sign in start) else ""
