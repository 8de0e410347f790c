"""The JSON schemas that editors read are those of the code, and say what every key means."""

import json
from pathlib import Path

import jsonschema
import yaml

from bevatron.config.reference.schema import schemas
from bevatron.config.reference.tables import insert_tables

ROOT = Path(__file__).parents[2]


def test_the_schemas_in_the_repository_do_not_drift():
    for name, text in schemas().items():
        stored = (ROOT / "workflow" / "schemas" / name).read_text()
        assert stored == text, f"workflow/schemas/{name} is old: run `bevatron schema` and commit it"


def test_the_readmes_tables_of_keys_do_not_drift():
    text = (ROOT / "config" / "README.md").read_text()
    assert insert_tables(text) == text, "config/README.md is old: run `bevatron schema` and commit it"


def test_an_independent_validator_accepts_what_we_accept_and_refuses_unknown_keys():
    schema = json.loads(schemas()["study.schema.json"])
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in (ROOT / "config" / "studies").glob("*.yaml"):
        tree = yaml.safe_load(path.read_text())
        assert list(validator.iter_errors(tree)) == []
        if "models" not in tree:
            continue  # a study of a grid, whose models are checked once it is expanded
        tree["models"][next(iter(tree["models"]))]["training"]["epoch"] = 1
        assert any("epoch" in e.message for e in validator.iter_errors(tree))


def test_every_key_is_described():
    def undescribed(node, path=""):
        if isinstance(node, dict):
            for name, child in node.get("properties", {}).items():
                if not child.get("description"):
                    yield f"{path}.{name}"
            for key, child in node.items():
                yield from undescribed(child, f"{path}/{key}")
        elif isinstance(node, list):
            for i, child in enumerate(node):
                yield from undescribed(child, f"{path}[{i}]")

    for name, text in schemas().items():
        missing = [p for p in undescribed(json.loads(text), name) if "/scales/" not in p]
        assert missing == []
