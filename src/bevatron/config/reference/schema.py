"""The JSON schemas of the configuration's files, for editors and for a test that they do not drift."""

import json
from pathlib import Path

from bevatron.config.loading.load import SCALES
from bevatron.config.sections.resources import Resources
from bevatron.config.sections.site import Site
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow


def schemas() -> dict[str, str]:
    """File name to JSON text: the workflow's file, a study's, the table of resources, a site's."""
    study = Study.model_json_schema()
    study["properties"]["scales"] = {
        "description": "per scale, values merged over the ones above: mappings key by key, anything else replaced",
        "type": "object",
        "properties": {scale: {"type": "object", "description": f"values at scale '{scale}'"} for scale in SCALES},
        "additionalProperties": False,
    }
    return {
        "config.schema.json": json.dumps(Workflow.model_json_schema(), indent=2) + "\n",
        "study.schema.json": json.dumps(study, indent=2) + "\n",
        "resources.schema.json": json.dumps(Resources.model_json_schema(), indent=2) + "\n",
        "site.schema.json": json.dumps(Site.model_json_schema(), indent=2) + "\n",
    }


def write_schemas(folder: Path) -> list[Path]:
    """Write a JSON schema for each file of the configuration into `folder`; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in schemas().items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths
