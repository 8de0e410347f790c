"""A chapter's tables and figures, each of which can fail alone. UserErrors, which are of damaged files, are raised."""

from collections.abc import Callable
from typing import TypeVar

from bevatron.errors import UserError
from bevatron.figures import log_failure
from bevatron.report.plots.style import ReportFigure, failed_figure
from bevatron.report.provenance.origin import Origin
from bevatron.report.tables.table import Table, failed_table

TableT = TypeVar("TableT", bound=Table | None)


def tables_or_failure(study: str, name: str, build: Callable[[], list[TableT]]) -> list[TableT | Table]:
    """What `build` makes; or one table `<study>_<name>` that says why it could not."""
    try:
        tables = build()
        for table in tables:
            if table is not None:
                table.check()
        return [*tables]
    except UserError:
        raise
    except Exception as error:
        name = f"{study}_{name}"
        return [failed_table(name, log_failure(error, f"table {name}"), Origin(study, "report"))]


def figures_or_failure(study: str, name: str, build: Callable[[], list[ReportFigure]]) -> list[ReportFigure]:
    """What `build` makes; or one figure `<study>-<name>` that says why it could not."""
    try:
        return build()
    except UserError:
        raise
    except Exception as error:
        return [failed_figure(error, f"{study}-{name}", f"The figures of the section '{name}'.")]
