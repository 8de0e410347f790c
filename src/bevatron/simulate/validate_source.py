"""Compare a study's source with published numbers."""

import logging
from pathlib import Path
from time import perf_counter

from bevatron.config.loading.digest import seed_of
from bevatron.config.loading.identity import raw_digest, raw_settings
from bevatron.config.loading.kinds import SOURCES
from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import publish_json
from bevatron.versions import versions

logger = logging.getLogger("bevatron")
SCHEMA_VERSION = 1


def validate_source(study: DataPart, output: Path) -> None:
    """Publishes `source.json`: for each of the source's comparisons its curves, ours and the published ones.

    Raises UserError for a source that offers none.
    """
    start, options = perf_counter(), study.simulation.source
    source = SOURCES[options.kind]()
    if not hasattr(source, "comparisons"):
        offering = ", ".join(name for name in SOURCES.names() if hasattr(SOURCES[name], "comparisons"))
        raise UserError(
            f"study '{study.name}', evaluation.validate_source",
            f"the source '{options.kind}' offers no comparison with published numbers",
            f"set it to false; sources that do: {offering}",
        )
    comparisons = source.comparisons(options, seed_of("compare", raw_settings(study)))
    content = {
        "schema_version": SCHEMA_VERSION,
        "study": study.name,
        "raw_digest": raw_digest(study),
        "versions": versions(),
        "comparisons": [comparison.to_json() for comparison in comparisons],
    }
    publish_json(output, with_checksum(content))
    logger.info(f"{study.name}: {len(comparisons)} comparisons of its source in {perf_counter() - start:.1f} s")
