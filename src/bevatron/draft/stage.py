"""The stage `draft`: from files of events, or a configuration of weaver, the text of a study's file."""

import re
from collections.abc import Sequence
from pathlib import Path

from bevatron.config.loading.load import validate_section
from bevatron.config.loading.yaml_text import parse_yaml
from bevatron.config.sections.data_part import DataPart
from bevatron.draft.draft_files import draft_files
from bevatron.draft.names import as_name
from bevatron.draft.write_yaml import write_yaml
from bevatron.errors import UserError
from bevatron.store.files.publish import publish_text
from bevatron.tables.open_table import TableOptions

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
LEARNED = ("models", "grids", "claims")


def draft_study(
    files: Sequence[Path], weaver: Path | None, output: Path | None, tree: str = ""
) -> tuple[str, list[str]]:
    """The study's text, published as `output` where that is given, and remarks for the terminal.

    Raises UserError for files that are no tables, a configuration that is none, and an `output` that exists or whose
    name no study can have.
    """
    if not files and weaver is None:
        raise UserError("draft", "no file is named", "name files of events, or a configuration by --weaver")
    if output is not None:
        _check_output(output)
    first = weaver if weaver is not None else files[0]
    name = output.stem if output is not None else _name_of([weaver] if weaver is not None else files)
    options, remarks = TableOptions(tree=tree), list[str]()
    if weaver is None:
        study = draft_files(files, options, name)
    else:
        from bevatron.draft.weaver import translate_weaver

        study, remarks = translate_weaver(weaver, files, options, name)
    text = write_yaml(study)
    _check(text, first)
    if output is not None:
        publish_text(output, text)
    return text, remarks


def _name_of(paths: Sequence[Path]) -> str:
    """A name for the study of these files: what their names have in common, or their folder's."""
    stems = [path.name.split(".")[0] or path.name for path in paths]
    common = stems[0]
    while len(stems) > 1 and not all(stem.startswith(common) for stem in stems):
        common = common[:-1]
    common = common.rstrip("_-0123456789") if len(stems) > 1 else common
    if len(common) < 3 and len(stems) > 1:
        common = paths[0].absolute().parent.name
    return as_name(common or "mine", (), "study")


def _check_output(output: Path) -> None:
    if output.exists() or output.is_symlink():
        raise UserError(output, "exists already, and is not overwritten", "name another file, or remove it")
    if output.suffix != ".yaml":
        raise UserError(output, "a study's file ends in .yaml", f"--output {output.with_suffix('.yaml')}")
    if not NAME.fullmatch(output.stem):
        todo = f"--output {output.with_name(as_name(output.stem, (), 'study') + '.yaml')}"
        raise UserError(output, "a study is named by a-z, 0-9 and _, with a letter first", todo)


def _check(text: str, path: Path) -> None:
    """Raises where the text is no valid study, which it is by its making; the models are not looked at, as PyTorch
    would be imported for them.
    """
    payload = parse_yaml(text)
    validate_section(DataPart, {key: value for key, value in payload.items() if key not in LEARNED}, path)
