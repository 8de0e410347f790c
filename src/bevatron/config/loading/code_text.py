"""The text of Python code without what does not change its meaning, and the modules that it imports."""

import ast
import io
import tokenize
from importlib.util import resolve_name


def code_without_comments(source: bytes) -> str:
    """The code without comments and empty lines; of code that is not Python, all of it."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    text = source.decode(encoding, errors="backslashreplace").replace("\r\n", "\n")
    lines: list[str | None] = [*text.split("\n")]
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            number, column = token.start[0] - 1, token.start[1]
            if token.type == tokenize.COMMENT:
                lines[number] = (lines[number] or "")[:column].rstrip()
            elif token.type == tokenize.NL and not (lines[number] or "").strip():
                lines[number] = None
    except (tokenize.TokenError, SyntaxError):
        return text
    return "\n".join(line for line in lines if line is not None).rstrip("\n")


def imported_modules(code: str, name: str, is_package: bool = False) -> set[str]:
    """The full names that the code of the module `name` imports, wherever in it, by statements; each may be a module or
    something in one.
    """
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return set()
    package = name if is_package else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            try:
                base = resolve_name("." * node.level + (node.module or ""), package)
            except ImportError:  # beyond the top: importing it says so
                continue
            found.update({base, *(f"{base}.{alias.name}" for alias in node.names)})
    return found | {parent for full in found for parent in _parents(full)}


def _parents(name: str) -> list[str]:
    words = name.split(".")
    return [".".join(words[:n]) for n in range(1, len(words))]
