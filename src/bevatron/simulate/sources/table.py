"""The source `table`: any files of events that have columns, by a mapping in the study's file."""

import logging
from math import prod
from time import perf_counter
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bevatron.config.loading.kinds import source
from bevatron.errors import UserError
from bevatron.simulate.batches import concatenate_samples
from bevatron.simulate.external.external_files import FileOptions, FileRange, refuse_changes, too_few_events
from bevatron.simulate.mapping.options import Mapping
from bevatron.simulate.mapping.to_samples import Mapper, Rows
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Samples
from bevatron.store.shards.contract import SPLITS
from bevatron.tables.csv_text import BLANKS
from bevatron.tables.open_table import Format, TableOptions, open_table
from bevatron.tables.table import Table

logger = logging.getLogger("bevatron")
STEP_BYTES, STEP_ROWS = 2**26, 50_000  # of what is read at a time
LIST_LENGTH = 50  # elements, a guess of the mean


@source("table")
class TableSource:
    """Events in ROOT trees, HDF5 (compound, plain or pandas), Parquet, CSV or NPZ files.

    One sample is one row that a selection takes. Groups, targets, weight and observers are those of the mapping. Ids
    are the number of the file and of the row in it. Target `event`, of the key `id`; target `split`, where each split
    has files of its own; target `selected`, with a selection for the test.
    """

    VERSION = 1

    class Options(FileOptions, Mapping):
        files: list[str] | dict[Literal["train", "val", "test"], list[str]] = Field(
            description="paths or patterns (*, ?, **) relative to the working folder, in their order; by split, where "
            "each split has files of its own"
        )
        format: Format | None = Field(default=None, description="of the files; default: by their content")
        tree: str = Field(
            default="", description="tree of a ROOT file, group of an HDF5 file; default: the only one, all of the file"
        )
        separator: Annotated[str, BeforeValidator(lambda v: "\t" if v == "tab" else v)] = Field(
            default=",",
            description="between the columns of a CSV file: one sign, tab for a tabulator, or \\s+ for any blanks",
            min_length=1,
            max_length=3,
        )
        header: bool = Field(default=True, description="whether a CSV file's first line names its columns")
        names: list[str] = Field(default=[], description="names of a CSV file's columns, where it has none or others")

        @field_validator("separator")
        @classmethod
        def _is_one_sign(cls, value: str) -> str:
            if len(value) > 1 and value != BLANKS:
                raise ValueError(f"'{value}' has {len(value)} signs; give one, tab, or {BLANKS}")
            return value

        @model_validator(mode="after")
        def _has_files(self) -> "TableSource.Options":
            if not self.patterns() or not all(self.files.values() if isinstance(self.files, dict) else [True]):
                raise ValueError("files: name at least one")
            return self

        def patterns(self) -> list[str]:
            """All paths and patterns, those of the splits in the order train, val, test."""
            if isinstance(self.files, dict):
                return [pattern for split in SPLITS for pattern in self.files.get(split, [])]
            return self.files

        def split_of(self, number: int) -> int | None:
            """The split that the file of that number is of; None where files are not by split."""
            if not isinstance(self.files, dict):
                return None
            before = 0
            for index, split in enumerate(SPLITS):
                before += len(self.resolve(self.files.get(split, [])))
                if number < before:
                    return index
            return None

        def reading(self) -> TableOptions:
            """How the files are read."""
            return TableOptions(self.format, self.tree, self.separator, self.header, tuple(self.names))

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """One shard of samples, and the time spent in reading. Nothing is random, so `seed` is not used."""
        start = perf_counter()
        part = options.part(shard)
        mapper = Mapper(options)
        parts, n_events, skipped = [], 0, 0
        with refuse_changes(part):
            attributes = options.attributes(part)
            for path, number in zip(part.files, part.numbers, strict=True):
                split = options.split_of(number)
                with open_table(path, options.reading()) as table:
                    first, last = max(part.first - skipped, 0), None if part.stop is None else part.stop - skipped
                    for at, columns, n in _steps(table, mapper, first, last):
                        parts.append(mapper.to_samples(columns, n, Rows(str(path), number, at, split)))
                        n_events += n
                    if part.stop is not None:
                        skipped += table.n_rows
                if part.stop is not None and skipped >= part.stop:
                    break
        for name, lost in mapper.nan_in_cuts.items():
            logger.warning(
                "shard %d: '%s', of a selection, is NaN in %d events, which fails comparisons", shard, name, lost
            )
        if n_events == 0:
            raise too_few_events(part, shard, skipped, "events")
        if not any(len(samples) for samples in parts):
            raise _nothing_selected(part, options)
        samples = concatenate_samples(parts, attributes)
        return samples, {"events": n_events, "seconds_in_generator": perf_counter() - start}

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        from importlib.metadata import PackageNotFoundError, version

        found = {}
        for name in ("awkward", "h5py", "numpy", "pandas", "pyarrow", "uproot"):
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                continue  # of an extra that these files do not need
        return found


def _steps(table: Table, mapper: Mapper, first: int, last: int | None):
    """The rows of a file: the first row of each step, its columns and how many rows it has."""
    names = mapper.formulas.columns_read()
    if not names:
        raise UserError("simulation.source", "no expression names a column of the files", "name one")
    row_bytes = sum(8 * (LIST_LENGTH if c.kind == "list" else prod(c.shape)) for c in map(table.find, names))
    rows = max(1, min(STEP_ROWS, STEP_BYTES // row_bytes))
    at = first
    for columns in table.steps(names, first, last, rows):
        n = len(columns[names[0]])
        yield at, columns, n
        at += n


def _nothing_selected(part: FileRange, options: "TableSource.Options") -> UserError:
    files = ", ".join(map(str, part.files[:3])) + (", ..." if len(part.files) > 3 else "")
    return UserError(
        files, f"no event passes the selection '{options.selection}'", "loosen simulation.source.selection"
    )
