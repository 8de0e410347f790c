"""Write the pages of the documentation that follow from the code.

    python docs/generate_reference.py

`make docs` does this before it builds the site. The pages in docs/reference/ that it writes are not kept in the
repository. The tree of folders in docs/explanation/design.md and the tables of docs/reference/table.md are kept, and
tests compare them with the code.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import typer

from bevatron.cli import app
from bevatron.config.loading.kinds import ARCHITECTURES, CLAIM_TESTS, RECIPES, SOURCES
from bevatron.config.loading.load import load_study
from bevatron.config.loading.load_course import load_course
from bevatron.config.reference.tables import BEGIN, component_tables, section_tables
from bevatron.expressions.functions import FUNCTIONS

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
REFERENCE = DOCS / "reference"
DESIGN = DOCS / "explanation" / "design.md"
TABLE = REFERENCE / "table.md"
FUNCTIONS_BEGIN, FUNCTIONS_END = "<!-- functions: begin -->", "<!-- functions: end -->"
TREE_BEGIN = "<!-- written by docs/generate_reference.py: begin -->"
TREE_END = "<!-- written by docs/generate_reference.py: end -->"

COMPONENT_PAGES = {
    "sources": (
        SOURCES,
        "`simulation.source`",
        "Sources",
        "A source makes raw events, or reads them from files. `simulation.source.kind` selects it.",
    ),
    "recipes": (
        RECIPES,
        "`dataset.recipe`",
        "Recipes",
        "A recipe makes samples from raw events. `dataset.recipe.kind` selects it.",
    ),
    "architectures": (
        ARCHITECTURES,
        "`models.<name>.architecture`",
        "Architectures",
        "An architecture is a network, or a model in closed form. `models.<name>.architecture.kind` selects it.",
    ),
    "claim-tests": (
        CLAIM_TESTS,
        "`claims[].test`",
        "Claim tests",
        "A test compares measured numbers with what a claim says. `claims[].test.kind` selects it. "
        "[How a claim is decided](../explanation/verdicts.md) explains the verdict.",
    ),
}


def configuration() -> str:
    """The text of config/README.md with the tables of all sections. The tables of components have their own pages."""
    text = (ROOT / "config" / "README.md").read_text(encoding="utf-8").split(BEGIN)[0]
    return text.replace("](../docs/", "](../") + section_tables() + "\n"


def components(name: str) -> str:
    """All components of one kind with their options."""
    registry, place, title, summary = COMPONENT_PAGES[name]
    tables = component_tables(place, registry)
    for kind in registry.names():  # the page's title says the place already
        tables = tables.replace(f"### {place}, kind `{kind}`", f"## `{kind}`")
    tables = re.sub(r"^### `.+\.(\w+)`, kind `\w+`$", r"**`\1`**", tables, flags=re.M)  # sections among the options
    return f"# {title}\n\n{summary}\n\n{tables}\n"


def for_the_site(text: str) -> str:
    """The text with plain bars in code: MkDocs takes them as they are, and GitHub wants them escaped in tables."""
    return re.sub(r"`[^`\n]+`", lambda code: code.group().replace("\\|", "|"), text)


def command_line() -> str:
    """All commands with their arguments and options, as typer documents them."""
    command = [sys.executable, "-m", "typer", "bevatron.cli", "utils", "docs", "--name", "bevatron"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    text = done.stdout.replace("# `bevatron`", "# Command line", 1)
    for name, found in typer.main.get_command(app).commands.items():  # typer cuts the list's lines short
        summary = " ".join((found.help or "").split("\n\n")[0].split())
        text = re.sub(rf"^\* `{name}`: .*$", lambda line, s=summary, n=name: f"* `{n}`: {s}", text, flags=re.M)
    return text


def claims() -> str:
    """The claims of all studies in config/studies/: what is stated, where, and how it is tested."""
    parts = ["# Claims of all studies", ""]
    parts += ["All statements that the studies test. [Claim tests](claim-tests.md) explains the last column."]
    for path in sorted((ROOT / "config" / "studies").glob("*.yaml")):
        study = load_study(path.stem, "paper", path.parent)
        parts += ["", f"## {study.title}", "", f"Study `{study.name}`: {len(study.claims)} claims.", ""]
        parts += ["| claim | statement | source | test |", "|---|---|---|---|"]
        for claim in study.claims:
            cells = (f"`{claim.id}`", claim.statement, claim.source, f"`{claim.test.kind}`")
            parts.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(parts) + "\n"


def lectures() -> str:
    """The index of the course: what it says, topic by topic, and the claims that test it, with their tests."""
    course = load_course(ROOT / "config" / "lectures.yaml")
    parts = [f"# {course.title}", ""]
    parts += [
        f"{course.author}, *{course.title}*, {course.place} ({course.year}). What each topic says, in other words, and "
        "the claims that test it. The ledger of a report shows the same table with the verdicts."
    ]
    for chapter in course.chapters:
        parts += ["", f"## {chapter.title}", "", "| topic | what it says | tested by |", "|---|---|---|"]
        for item in chapter.items:
            tested = "<br>".join(f"`{name}`" for name in item.claims)
            parts.append(f"| {item.topic} | {item.says} | {tested} |".replace("\n", " "))
    return "\n".join(parts) + "\n"


def folder_tree(package: Path = ROOT / "src" / "bevatron") -> str:
    """The folders of the package, two levels deep, each with the first line of its docstring.

    Raises ValueError where a folder with Python files has no docstring.
    """
    rows = ["| folder | what belongs there |", "|---|---|"]
    for folder in sorted(path for path in package.rglob("*") if path.is_dir()):
        parts = folder.relative_to(package).parts
        if "__pycache__" in parts or len(parts) > 2 or not any(path.is_file() for path in folder.iterdir()):
            continue
        name = f"**`{parts[0]}/`**" if len(parts) == 1 else f"&emsp;`{'/'.join(parts)}/`"
        rows.append(f"| {name} | {_docstring(folder)} |")
    return "\n".join(rows)


def _docstring(folder: Path) -> str:
    if not any(folder.glob("*.py")):
        return "Templates, without code."
    start = folder / "__init__.py"
    text = ast.get_docstring(ast.parse(start.read_text(encoding="utf-8"))) if start.is_file() else None
    if not text:
        raise ValueError(f"{start}: has no docstring; say what belongs into the folder")
    return " ".join(text.split("\n\n")[0].split())


def with_tree(text: str) -> str:
    """A page's text with what is between the two markers replaced by the present tree."""
    return between(text, TREE_BEGIN, TREE_END, folder_tree())


def with_table_keys(text: str) -> str:
    """The page of the source `table` with its keys, and the functions of expressions, between their markers."""
    keys = component_tables("`simulation.source`", SOURCES)
    parts = [part for part in re.split(r"(?=^### )", keys, flags=re.M) if "kind `table`" in part.partition("\n")[0]]
    tables = re.sub(r"^### (`[\w.]+`), kind `table`$", r"### \1", "".join(parts).strip(), flags=re.M)
    rows = ["| function | gives |", "|---|---|"]
    rows += [
        f"| `{function.signature}` | {function.gives} |".replace("|x|", "\\|x\\|") for function in FUNCTIONS.values()
    ]
    text = between(text, TREE_BEGIN, TREE_END, tables)
    return between(text, FUNCTIONS_BEGIN, FUNCTIONS_END, "\n".join(rows))


def between(text: str, begin: str, end: str, content: str) -> str:
    """The text with `content` between the two markers."""
    before, rest = text.split(begin)
    _, after = rest.split(end)
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"


def pages() -> dict[str, str]:
    """The text of each generated page of docs/reference/, by file name."""
    found = {"configuration.md": configuration(), "command-line.md": command_line(), "claims.md": claims()}
    found["lectures.md"] = lectures()
    found |= {f"{name}.md": components(name) for name in COMPONENT_PAGES}
    return {name: for_the_site(text) for name, text in found.items()}


def main() -> None:
    """Write all generated pages."""
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
    DESIGN.write_text(with_tree(DESIGN.read_text(encoding="utf-8")), encoding="utf-8")
    TABLE.write_text(with_table_keys(TABLE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
