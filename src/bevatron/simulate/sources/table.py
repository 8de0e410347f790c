"""The source `table`: any files of events that have columns, by a mapping in the study's file."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, field_validator, model_validator

from bevatron.config.loading.digest import digest_of
from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Count, Positive
from bevatron.errors import UserError
from bevatron.simulate.batches import Batches
from bevatron.simulate.external.division import Piece, divide
from bevatron.simulate.external.external_files import WHERE, FileOptions, FileRange, refuse_changes, too_few_events
from bevatron.simulate.mapping.columns import ENTRY
from bevatron.simulate.mapping.options import Mapping
from bevatron.simulate.mapping.to_samples import Mapper, Rows
from bevatron.simulate.mapping.unlabelled import STEP_BYTES, STEP_ROWS, Unlabelled
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Samples
from bevatron.store.shards.contract import SPLITS
from bevatron.store.shards.unlabelled import UnlabelledRows
from bevatron.tables.csv_text import BLANKS
from bevatron.tables.open_table import Format, TableOptions, format_of, open_table
from bevatron.tables.table import EventTable

logger = logging.getLogger("bevatron")

CAN_BE_CUT = ("root", "hdf5", "parquet")  # formats of which a part can be read without what is before it


@source("table")
class TableSource:
    """Events in ROOT trees, HDF5 (compound, plain or pandas), Parquet, CSV or NPZ files.

    One sample is one row that a selection takes. Groups, targets, weight and observers are those of the mapping. Ids
    are the number of the file and of the row in it. Target `event`, of the key `id`; target `split`, where each split
    has files of its own; target `selected`, with a selection for the test.
    """

    VERSION = 1
    EMPTY_SHARDS = True  # a selection may leave nothing of some

    class Options(FileOptions, Mapping):
        LATER: ClassVar[tuple[str, ...]] = (*Mapping.LATER, "rows_per_file", "lists")

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
        lists: dict[str, str] = Field(
            default={},
            description="of HDF5: by group whose rows are elements of lists, the dataset in it that says how many rows "
            "each event has: a count for each event, or pairs of the event's number and a count",
        )
        rows_per_file: Count | None = Field(
            default=None, description="of each file only so many rows are read, the first ones; default: all"
        )
        shard_mb: Positive = Field(
            default=150.0,
            description="without per_shard: megabytes of files that a shard reads, about. A larger ROOT, HDF5 or "
            "Parquet file is cut in equal parts; smaller files are read together",
        )

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
            if self.splits and isinstance(self.files, dict):
                raise ValueError("splits: the files are by split already; give one of both")
            if self.rows_per_file is not None and self.per_shard is not None:
                raise ValueError("rows_per_file: per_shard counts through whole files; give one of both")
            return self

        def patterns(self) -> list[str]:
            """All paths and patterns, those of the splits in the order train, val, test."""
            if isinstance(self.files, dict):
                return [pattern for split in SPLITS for pattern in self.files.get(split, [])]
            return self.files

        def split_of_files(self) -> list[int | None]:
            """For each file the split that it is of, in the order of SPLITS; None where files are not by split."""
            if not isinstance(self.files, dict):
                return [None] * len(self.resolve_files())
            return [
                index for index, split in enumerate(SPLITS) for _ in range(len(self.resolve(self.files.get(split, []))))
            ]

        def n_shards(self) -> int | None:
            """As many shards as the sizes of the files make; with per_shard, as many as their rows."""
            files = self.resolve_files()
            if self.per_shard is None:
                return len(self._division(files))
            n_rows = 0
            for path in files:
                with open_table(path, self.reading()) as table:
                    n_rows += table.n_rows
            return -(-n_rows // self.per_shard)

        def _part(self, files: list[Path], shard: int) -> FileRange:
            if self.per_shard is not None:
                return super()._part(files, shard)
            division = self._division(files)
            if shard >= len(division):
                what = f"the files make {len(division)} shards of about {self.shard_mb:g} MB, and no shard {shard}"
                todo = f"leave simulation.shards out, set it to at most {len(division)}, or lower {WHERE}.shard_mb"
                raise UserError(f"{WHERE}.files", what, todo)
            pieces = division[shard]
            numbers = tuple(piece.file for piece in pieces)
            return FileRange(tuple(files[number] for number in numbers), numbers, pieces=pieces)

        def _division(self, files: list[Path]) -> list[tuple[Piece, ...]]:
            sizes = [path.stat().st_size if path.is_file() else 0 for path in files]
            limit = self.shard_mb * 1e6
            large = [size > 1.5 * limit and (self.format or format_of(path)) in CAN_BE_CUT
                     for path, size in zip(files, sizes, strict=True)]  # fmt: skip
            return divide(sizes, large, limit)

        def attributes(self, part: FileRange) -> dict[str, object]:
            """As those of all files; shards that were divided otherwise are known by `file_list` too."""
            found = super().attributes(part)
            if self.per_shard is None:
                division = [[(p.file, p.part, p.of) for p in shard] for shard in self._division(self.resolve_files())]
                found["file_list"] = digest_of("files", found["file_list"], division)
            return found

        def reading(self) -> TableOptions:
            """How the files are read."""
            return TableOptions(self.format, self.tree, self.separator, self.header, tuple(self.names), self.lists)

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """One shard of samples, and the time spent in reading. Nothing is random, so `seed` is not used."""
        start = perf_counter()
        part = options.part(shard)
        mapper = Mapper(options)
        batches, read, n_events, skipped = Batches(), [], 0, 0
        splits = options.split_of_files()
        pieces = part.pieces or (None,) * len(part.files)
        with refuse_changes(part):
            for path, number, piece in zip(part.files, part.numbers, pieces, strict=True):
                with open_table(path, options.reading()) as table:
                    first, last = max(part.first - skipped, 0), None if part.stop is None else part.stop - skipped
                    if piece is not None and piece.of > 1:
                        first, last = piece.rows(min(table.n_rows, options.rows_per_file or table.n_rows))
                    elif options.rows_per_file is not None:
                        last = options.rows_per_file
                    if first == 0 or first < table.n_rows:
                        read.append((path, number))
                        for at, columns, n in _steps(table, mapper, first, last):
                            batches.add(mapper.to_samples(columns, n, Rows(str(path), number, at, splits[number])))
                            n_events += n
                        if piece is not None and first == last and table.n_rows:  # more pieces than rows
                            batches.add(_none_of(table, mapper, Rows(str(path), number, 0, splits[number])))
                    if part.stop is not None:
                        skipped += table.n_rows
                if part.stop is not None and skipped >= part.stop:
                    break
            if read:
                files, numbers = zip(*read, strict=True)
                attributes = options.attributes(FileRange(files, numbers))  # of those it read, and not of all
        for name, lost in mapper.nan_in_cuts.items():
            logger.warning(
                "shard %d: '%s', of a selection, is NaN in %d events, which fails comparisons", shard, name, lost
            )
        if batches.count == 0:
            raise too_few_events(part, shard, skipped, "events")
        if len(batches) == 0:
            if len(part.files) == len(splits) and all(piece is None or piece.of == 1 for piece in pieces):
                raise _nothing_selected(part, options)
            logger.warning("shard %d: no event of %s passes the selection", shard, _some(part))
        return batches.joined(attributes), {"events": n_events, "seconds_in_generator": perf_counter() - start}

    def read_unlabelled(
        self,
        options: Options,
        paths: Sequence[Path],
        groups: Sequence[str],
        observers: list[str] | None,
        numbered: bool = False,
    ) -> Iterator[Iterator[UnlabelledRows]]:
        """For each of new files, to be read one after another, its rows in their order as inputs of a trained network.

        groups: what the network reads; observers, numbered: as in `Unlabelled`. Raises UserError at once for a file
        that is missing, is no table, or lacks a column.
        """
        reading = Unlabelled(options, groups, observers, numbered)
        for path in paths:
            with open_table(path, options.reading()) as table:
                reading.leave_out_what_lacks(table)
        for path in paths:
            with open_table(path, options.reading()) as table:
                reading.check(table)

        def files() -> Iterator[Iterator[UnlabelledRows]]:
            for path in paths:
                with open_table(path, options.reading()) as table:
                    yield reading.rows(table)

        return files()

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


def _steps(table: EventTable, mapper: Mapper, first: int, last: int | None):
    """The rows of a file: the first row of each step, its columns and how many rows it has."""
    names = [name for name in mapper.formulas.columns_read() if name != ENTRY or name in table.columns]
    if not names:
        raise UserError("simulation.source", "no expression names a column of the files", "name one")
    row_bytes = sum(table.find(name).row_bytes for name in names)
    rows = max(1, min(STEP_ROWS, STEP_BYTES // row_bytes))
    at = first
    for columns in table.steps(names, first, last, rows):
        n = len(columns[names[0]])
        yield at, columns, n
        at += n


def _none_of(table: EventTable, mapper: Mapper, rows: Rows) -> Samples:
    """Samples of no row, in the form of all others."""
    _, columns, n = next(_steps(table, mapper, 0, 1))
    return mapper.to_samples(columns, n, rows).take(np.zeros(0, np.int64))


def _some(part: FileRange) -> str:
    return ", ".join(map(str, part.files[:3])) + (", ..." if len(part.files) > 3 else "")


def _nothing_selected(part: FileRange, options: "TableSource.Options") -> UserError:
    what = f"no event passes the selection '{options.selection}'"
    return UserError(_some(part), what, f"loosen {WHERE}.selection")
