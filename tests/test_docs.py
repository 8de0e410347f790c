"""The documentation agrees with the code, as far as tests can see without building the site (`make docs` builds it)."""

import ast
import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from bevatron.cli import app
from bevatron.config.loading.kinds import ARCHITECTURES, CLAIM_TESTS, RECIPES, SOURCES
from bevatron.config.loading.load import load_study
from bevatron.expressions.functions import FUNCTIONS
from bevatron.simulate.mapping.options import Mapping, Missing, TableGroup, TableTarget

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
COMMANDS = typer.main.get_command(app).commands
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
MADE_BY_RUNS = ("results/", "runs/", "logs/", "data/", "profiles/site/site.yaml", "site/", "config/studies/eights.yaml")


def load_script(name: str):
    """A script of docs/, as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = load_script("generate_reference")
GENERATED = (
    {f"reference/{name}" for name in ("configuration.md", "command-line.md", "claims.md", "lectures.md")}
    | {f"reference/{name}.md" for name in REFERENCE.COMPONENT_PAGES}
    | {f"notebooks/{path.stem}.md" for path in (ROOT / "notebooks").glob("*.ipynb")}
)
WRITTEN = sorted(p for p in DOCS.rglob("*.md") if p.relative_to(DOCS).as_posix() not in GENERATED)
TEXTS = {
    p.relative_to(ROOT).as_posix(): p.read_text() for p in (*WRITTEN, ROOT / "README.md", ROOT / "CONTRIBUTING.md")
}
CONFIG_README = "config/README.md"
TEXTS[CONFIG_README] = (ROOT / CONFIG_README).read_text()


def navigation() -> list[str]:
    """All pages that mkdocs.yml lists."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: suffix)
    pages: list[str] = []

    def collect(node) -> None:
        for child in node.values() if isinstance(node, dict) else node:
            if isinstance(child, str):
                pages.append(child)
            else:
                collect(child)

    collect(yaml.load((ROOT / "mkdocs.yml").read_text(), Loader)["nav"])
    return pages


def anchors_of(text: str) -> set[str]:
    """The anchors of a page's headings, as Python-Markdown makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.M)
    plain = (re.sub(r"[^\w\s-]", "", re.sub(r"[`*]|\(.*?\)(?=$)", "", h)).strip().lower() for h in headings)
    return {re.sub(r"[-\s]+", "-", heading) for heading in plain}


def commands_in(text: str) -> list[list[str]]:
    """The words of each `bevatron …` command in code blocks and in backticks."""
    blocks = [body.replace("\\\n", " ") for _, body in FENCE.findall(text)]
    lines = [line for body in blocks for line in body.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    found = []
    for line in lines:
        line = line.split(" #")[0].replace("[", "").replace("]", "").strip()
        if line.startswith("bevatron ") and "`" not in line:
            found.append(shlex.split(line)[1:])
    return found


def test_the_navigation_has_each_page_once():
    pages = navigation()
    assert sorted(pages) == sorted({p.relative_to(DOCS).as_posix() for p in WRITTEN} | GENERATED)


def test_git_ignores_exactly_the_generated_pages():
    ignored = re.findall(r"^/docs/(.+\.md)$", (ROOT / ".gitignore").read_text(), re.M)
    assert set(ignored) == GENERATED


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page):
    text, broken = FENCE.sub("", TEXTS[page]), []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        path = ((ROOT / page).parent / name).resolve() if name else ROOT / page
        relative = path.relative_to(DOCS).as_posix() if path.is_relative_to(DOCS) else ""
        if relative in GENERATED:
            content = TEXTS[CONFIG_README] if relative == "reference/configuration.md" else None
        elif not path.exists():
            broken.append(target)
            continue
        else:
            content = path.read_text() if path.suffix == ".md" else None
        if anchor and content is not None and anchor not in anchors_of(content):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", TEXTS)
def test_commands_and_their_options_exist(page):
    for words in commands_in(TEXTS[page]):
        if words[0].startswith("-"):
            assert words[0] in ("--help", "--version"), words
            continue
        assert words[0] in COMMANDS, f"{page}: bevatron has no command {words[0]}"
        known = {name for parameter in COMMANDS[words[0]].params for name in parameter.opts} | {"--help"}
        unknown = [word for word in words if word.startswith("--") and word.split("=")[0] not in known]
        assert not unknown, f"{page}: bevatron {words[0]} has no {unknown}"


@pytest.mark.parametrize("page", TEXTS)
def test_make_targets_exist(page):
    targets = set(re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = re.findall(r"(?:^|`)make ([\w./-]+)(?=`|\s|$)", TEXTS[page], re.M)
    assert set(named) <= targets


@pytest.mark.parametrize("page", TEXTS)
def test_paths_of_the_repository_exist(page):
    """Paths in backticks that begin with a folder of the repository, or of the package."""
    tops = tuple(f"{p.name}/" for p in ROOT.iterdir() if p.is_dir())
    package = ROOT / "src" / "bevatron"
    parts = tuple(f"{p.name}/" for p in package.iterdir() if p.is_dir())
    missing = []
    for name in re.findall(r"`([\w./-]+)`", FENCE.sub("", TEXTS[page])):
        if name.startswith(MADE_BY_RUNS):
            continue
        if name.startswith((*tops, *parts, "bevatron/")) and not any(
            (base / name).exists() for base in (ROOT, ROOT / "src", package)
        ):
            missing.append(name)
    assert missing == []


def defined_in(module: Path) -> set[str]:
    """Names that a module defines or imports at its top level."""
    found = set()
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {t.id for t in node.targets if isinstance(t, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {a.asname or a.name for a in node.names}
    return found


def is_defined(dotted: str) -> bool:
    """Whether a dotted name is a package, a module, or a name at the top level of one."""
    *parents, last = dotted.split(".")
    path = ROOT / "src" / Path(*dotted.split("."))
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    parent = ROOT / "src" / Path(*parents)
    module = parent.with_suffix(".py") if parent.with_suffix(".py").is_file() else parent / "__init__.py"
    return module.is_file() and last in defined_in(module)


@pytest.mark.parametrize("page", TEXTS)
def test_python_names_exist(page):
    text = TEXTS[page]
    names = re.findall(r"(?:`|::: )(bevatron(?:\.\w+)+)", text)
    for module, imported in re.findall(r"^from (bevatron[\w.]*) import (.+)$", text, re.M):
        names += [f"{module}.{name.strip()}" for name in imported.split(",")]
    assert [name for name in names if not is_defined(name)] == []


def studies_in(page: str) -> list[str]:
    """The YAML blocks of a page that are whole studies."""
    return [body for language, body in FENCE.findall(TEXTS[page]) if language == "yaml" and body.startswith("name:")]


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial/first-study.md", "docs/how-to/auxiliary-results.md"])
def test_the_studies_of_the_pages_are_valid(page, tmp_path):
    (study,) = studies_in(page)
    name = yaml.safe_load(study)["name"]
    (tmp_path / f"{name}.yaml").write_text(study)
    for scale in ("demo", "paper"):
        assert load_study(name, scale, tmp_path).claims


def test_the_tree_of_folders_is_the_present_one():
    text = REFERENCE.DESIGN.read_text()
    assert REFERENCE.with_tree(text) == text, (
        "run `python docs/generate_reference.py` and commit docs/explanation/design.md"
    )


def test_the_page_of_the_source_table_has_its_keys_and_functions():
    text = REFERENCE.TABLE.read_text()
    assert REFERENCE.with_table_keys(text) == text, "run `python docs/generate_reference.py` and commit it"
    assert set(re.findall(r"^\| `(\w+)\(", text, re.M)) == set(FUNCTIONS)
    for section in (TableGroup, TableTarget, Missing, Mapping):
        assert set(section.model_fields) <= set(re.findall(r"^\| `(\w+)` \|", text, re.M))


def test_the_tree_names_each_folder_of_the_package(tmp_path):
    (tmp_path / "stage" / "part").mkdir(parents=True)
    (tmp_path / "stage" / "__init__.py").write_text('"""A stage."""')
    (tmp_path / "stage" / "part" / "__init__.py").write_text('"""A part\nof it."""')
    tree = REFERENCE.folder_tree(tmp_path)
    assert "| **`stage/`** | A stage. |" in tree
    assert "`stage/part/` | A part of it. |" in tree
    (tmp_path / "stage" / "part" / "__init__.py").write_text("")
    with pytest.raises(ValueError, match="has no docstring"):
        REFERENCE.folder_tree(tmp_path)


@pytest.mark.parametrize("page", REFERENCE.COMPONENT_PAGES)
def test_pages_of_components_have_all_of_them(page):
    registry = {"sources": SOURCES, "recipes": RECIPES, "architectures": ARCHITECTURES, "claim-tests": CLAIM_TESTS}[
        page
    ]
    headings = re.findall(r"^## `(\w+)`$", REFERENCE.components(page), re.M)
    assert headings == registry.names()


def test_the_configuration_page_has_the_sections_but_not_the_components():
    page = REFERENCE.configuration()
    assert "### `simulation`" in page
    assert "kind `alexnet`" not in page
    assert "](../docs/" not in page


def test_each_source_is_explained():
    text = "".join(text for page, text in TEXTS.items() if page.startswith(("docs/explanation", "docs/how-to")))
    assert [name for name in SOURCES.names() if f"`{name}`" not in text] == []


def test_the_glossary_defines_our_terms():
    terms = re.findall(r"^\| ([\w ]+) \|", TEXTS["docs/reference/glossary.md"], re.M)
    assert {"study", "source", "recipe", "shard", "scale", "run", "claim"} <= set(terms)


def test_the_gallery_shows_each_of_its_figures_with_a_caption():
    text = TEXTS["docs/gallery.md"]
    shown = re.findall(r"^!\[[^\]]{10,}\]\(gallery/([\w-]+)\.png\)\n\n\*Study `(\w+)`\.\*", text, re.M)
    names = [name for name, _ in shown]
    assert names == list(load_script("make_gallery").FIGURES)
    assert sorted(names) == sorted(p.stem for p in (DOCS / "gallery").iterdir())
    assert [name for name, study in shown if name.split("-")[0] != study] == []
    assert sum(p.stat().st_size for p in DOCS.rglob("*.png")) < 2_000_000
