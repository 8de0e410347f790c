"""What every shard must fulfil before it is written and after it is read."""

from pathlib import Path

import numpy as np

from bevatron.errors import UserError
from bevatron.store.shards.columns import Column, Dense, Group, Ragged, Samples, SparseImages, feature_axis
from bevatron.store.shards.element_targets import FIX_RECIPE, check_element_targets


def check_samples(samples: Samples, path: Path) -> None:
    """Raises UserError, naming `path`, the group, the feature and the sample, at the first fault found.

    Refused: columns of different lengths, offsets that do not cut their values, pixels outside the image or
    not in rising order, ids of another type or that repeat, events of another type, names or units that do not
    match the features, names of a target's parts that do not match it, targets of elements that do not go with their
    group (`check_element_targets`), and any input, target or weight that is infinite, or NaN where that has no meaning.
    """
    if not isinstance(samples.id, np.ndarray) or samples.id.dtype != np.uint64 or samples.id.ndim != 1:
        raise UserError(path, "'id' must be a list of uint64 numbers", FIX_RECIPE)
    n = len(samples)
    for name, group in samples.inputs.items():
        _check_names(name, group, path)
        _check_cut(name, group, n, path)
    for name, target in samples.targets.items():
        if target.ndim == 0 or len(target) != n:
            raise UserError(path, f"target '{name}' has {target.size} entries for {n} samples", FIX_RECIPE)
    for name, parts in samples.parts.items():
        _check_parts(name, parts, samples.targets, path)
    for name in samples.optional:
        if name not in samples.targets or samples.targets[name].dtype.kind != "f":
            what = f"says that samples may have no '{name}', which is no target of floating-point numbers"
            raise UserError(path, what, FIX_RECIPE)
    for name, values in samples.observers.items():
        if values.shape != (n,):
            raise UserError(path, f"observer '{name}' has the shape {values.shape} for {n} samples", FIX_RECIPE)
    if samples.weight is not None and samples.weight.shape != (n,):
        raise UserError(path, f"'weight' has the shape {samples.weight.shape} for {n} samples", FIX_RECIPE)
    if (event := samples.event) is not None and (event.dtype != np.uint64 or event.shape != (n,)):
        what = f"'event' is {event.dtype} of the shape {event.shape}; it must be uint64, one for each of {n} samples"
        raise UserError(path, what, FIX_RECIPE)
    check_element_targets(samples, path)
    _check_ids(samples.id, path)
    _check_finite(samples, path)


def _check_names(name: str, group: Group, path: Path) -> None:
    column = group.column
    match column:
        case Dense(values):
            n_features = values.shape[feature_axis(values)] if values.ndim > 1 else 1
        case Ragged(values, _):
            if values.ndim != 2:
                raise UserError(path, f"group '{name}': values must have two axes, found {values.ndim}", FIX_RECIPE)
            n_features = values.shape[1]
        case SparseImages():
            n_features = column.shape[0]
    if len(group.features) != n_features or len(group.units) != n_features:
        raise UserError(
            path,
            f"group '{name}' has {n_features} features, but {len(group.features)} names and {len(group.units)} units",
            FIX_RECIPE,
        )
    if group.definitions and len(group.definitions) != n_features:
        raise UserError(
            path, f"group '{name}' has {n_features} features, but {len(group.definitions)} definitions", FIX_RECIPE
        )


def _check_parts(name: str, parts: tuple[str, ...], targets: dict[str, np.ndarray], path: Path) -> None:
    if name not in targets:
        raise UserError(path, f"names the parts of a target '{name}', which it does not have", FIX_RECIPE)
    n_parts = targets[name].shape[-1] if targets[name].ndim > 1 else 1
    if len(parts) != n_parts or len(set(parts)) < len(parts) or not all(parts):
        what = f"target '{name}' has {n_parts} parts, and the names {', '.join(parts)}; each needs one of its own"
        raise UserError(path, what, FIX_RECIPE)


def _check_cut(name: str, group: Group, n: int, path: Path) -> None:
    column = group.column
    if len(column) != n:
        raise UserError(path, f"group '{name}' has {len(column)} samples where 'id' has {n}", FIX_RECIPE)
    if isinstance(column, Dense):
        return
    elements = len(column.values) if isinstance(column, Ragged) else len(column.value)
    offsets = column.offsets
    if offsets.dtype != np.int64 or offsets[0] != 0 or offsets[-1] != elements or (np.diff(offsets) < 0).any():
        raise UserError(path, f"group '{name}': the offsets do not cut its {elements} elements", FIX_RECIPE)
    if isinstance(column, SparseImages):
        _check_pixels(name, column, path)


def _check_pixels(name: str, images: SparseImages, path: Path) -> None:
    pixels = int(np.prod(images.shape))
    index = images.index
    if index.dtype != np.int32 or index.shape != images.value.shape:
        raise UserError(path, f"group '{name}': 'index' must be int32, one for each 'value'", FIX_RECIPE)
    bad = (index < 0) | (index >= pixels)
    if bad.any():
        at = int(bad.argmax())
        raise UserError(
            path,
            f"group '{name}', sample {_row(at, images.offsets)}: pixel {index[at]} lies outside the image of "
            f"{' × '.join(map(str, images.shape))}",
            FIX_RECIPE,
        )
    falls = np.diff(index) <= 0
    borders = images.offsets[1:-1] - 1  # the last pixel of one sample and the first of the next may fall
    falls[borders[(borders >= 0) & (borders < len(falls))]] = False
    if falls.any():
        at = int(falls.argmax())
        raise UserError(
            path,
            f"group '{name}', sample {_row(at, images.offsets)}: pixels repeat or are out of order",
            FIX_RECIPE,
        )


def _check_ids(ids: np.ndarray, path: Path) -> None:
    if repeated := first_repeated(ids):
        raise UserError(path, f"the sample id {repeated[0]} stands twice", FIX_RECIPE)


def first_repeated(ids: np.ndarray) -> tuple[int] | None:
    """The smallest number that stands more than once in `ids`, wrapped in a tuple as it may be 0."""
    return repeated_in_order(np.sort(ids))


def repeated_in_order(ids: np.ndarray) -> tuple[int] | None:
    """`first_repeated` of sorted ids."""
    same = ids[1:] == ids[:-1]
    return (int(ids[:-1][same.argmax()]),) if same.any() else None


def _check_finite(samples: Samples, path: Path) -> None:
    for name, group in samples.inputs.items():
        values = _values(group.column)
        at = _first_not_finite(values)
        if at is not None:
            row, feature = _place(group, at)
            _reject(path, f"group '{name}', feature '{feature}'", row, samples.id, values[at])
    optional = samples.optional
    others = dict(samples.targets) | ({} if samples.weight is None else {"weight": samples.weight})
    for name, values in others.items():
        at = _first_not_finite(np.nan_to_num(values, posinf=np.inf, neginf=-np.inf) if name in optional else values)
        if at is not None:
            _reject(path, "'weight'" if name == "weight" else f"target '{name}'", at[0], samples.id, values[at])


def _values(column: Column) -> np.ndarray:
    return column.value if isinstance(column, SparseImages) else column.values


def _place(group: Group, at: tuple[int, ...]) -> tuple[int, str]:
    """The row of a number of the group, and its feature; at: the number's index in the column's values."""
    column = group.column
    if isinstance(column, Dense):
        return at[0], group.features[at[feature_axis(column.values)] if len(at) > 1 else 0]
    if isinstance(column, Ragged):
        return _row(at[0], column.offsets), group.features[at[1]]
    _, height, width = column.shape
    return _row(at[0], column.offsets), group.features[int(column.index[at[0]]) // (height * width)]


def _reject(path: Path, what: str, row: int, ids: np.ndarray, value: float) -> None:
    text = "NaN" if np.isnan(value) else "infinite"
    raise UserError(
        path, f"{what}, row {row} (sample id {ids[row]}) is {text}; every number must be finite", FIX_RECIPE
    )


def _first_not_finite(values: np.ndarray) -> tuple[int, ...] | None:
    if values.dtype.kind not in "fc":
        return None
    if np.isfinite(values.min(initial=0.0)) and np.isfinite(values.max(initial=0.0)):
        return None  # NaN passes through min and max, and an infinity is one of them: no large mask is needed
    return tuple(int(i) for i in np.unravel_index(int((~np.isfinite(values)).argmax()), values.shape))


def _row(element: int, offsets: np.ndarray) -> int:
    return int(np.searchsorted(offsets, element, side="right")) - 1
