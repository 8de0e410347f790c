"""Text to expression: Python's grammar, of which the arithmetic alone is let through.

Names of columns may have dots (`jets.pt`, `X.0`); any other name stands in backticks (`` `label_H->bb` ``). In
backticks, a range stands for columns that differ by a number: `` `E_{0..199}` `` is stack(E_0, E_1, ..., E_199).
"""

import ast
import re
import warnings
from collections.abc import Iterator
from typing import Any, NoReturn

from bevatron.errors import UserError
from bevatron.expressions.expression import BINARY, COMPARISONS, Expression, operands, place, shortened, unknown_name
from bevatron.expressions.functions import CONSTANTS, FUNCTIONS

LONGEST, DEEPEST = 10_000, 100  # characters; operations within one another
QUOTED = re.compile(r"`([^`\n]+)`")
NUMBERED = re.compile(r"(.*)\{([0-9]{1,6})\.\.([0-9]{1,6})\}(.*)", re.DOTALL)
MOST_NUMBERED = 10_000
PART = re.compile(r"""'[^'\n]*'|"[^"\n]*"|(?<![\w.])([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:\.\d+)+)(?![\w.])""")
UNARY = (ast.USub, ast.UAdd, ast.Not, ast.Invert)


def parse(text: str, where: str, known: list[str] | None = None) -> Expression:
    """The expression of a text that stands at the key `where`.

    With `known`, names of columns, every other name is refused. Raises UserError for whatever is no expression, with
    the place in the text.
    """
    parser = _Parser(text, where)
    tree = parser.tree()
    names = tuple(dict.fromkeys(node.id for node in _walk(tree) if isinstance(node, ast.Name)))
    columns = tuple(name for name in names if name not in CONSTANTS or name in (known or ()))
    if known is not None:
        for node in _walk(tree):
            if isinstance(node, ast.Name) and node.id in columns and node.id not in known:
                raise unknown_name(text, where, node, node.id, known)
    return Expression(text, tree, columns, where)


class _Parser:
    def __init__(self, text: str, where: str):
        self.text, self.where = text, where
        self._quoted: dict[str, str] = {}

    def tree(self) -> ast.expr:
        """The checked tree; positions are those of the text."""
        if not self.text.strip():
            raise UserError(self.where, "is an empty expression", "write a name or a formula")
        if len(self.text) > LONGEST:
            raise UserError(self.where, f"is an expression of {len(self.text):,} characters", f"at most {LONGEST:,}")
        source = PART.sub(self._stand_in, QUOTED.sub(self._stand_in, self.text))
        padded = "(" + source + "\n)"  # lines may be broken anywhere, as YAML does
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Python, about what it takes for code: `1 is 1`, '\d'
                tree = ast.parse(padded, mode="eval").body
        except SyntaxError as error:
            self._fail_at((error.lineno or 1, (error.offset or 1) - 1), "is no expression")
        except (ValueError, MemoryError, RecursionError) as error:
            raise UserError(self.where, f"'{shortened(self.text)}' is no expression: {error}"[:300]) from None
        for node in ast.walk(tree):
            if isinstance(node, ast.expr) and node.lineno == 1:
                node.col_offset -= 1  # the bracket
        return self._checked(tree, 0)

    def _stand_in(self, match: re.Match[str]) -> str:
        """A name of the same length for a quoted one, or for one like `X.0`, so that positions stay; texts stay too."""
        if match.group(1) is None:
            return match.group(0)
        length = len(match.group(0).encode())
        number = len(self._quoted)
        name = f"Q{number}".ljust(length, "_")
        self._quoted[name] = ".".join(self._quoted.get(part, part) for part in match.group(1).split("."))
        return name

    def _checked(self, node: ast.expr, depth: int) -> ast.expr:
        """The node with dotted and quoted names as plain names; raises UserError for what is not allowed."""
        if depth > DEEPEST:
            self._fail(node, f"more than {DEEPEST} operations within one another")
        node = self._named(node)
        match node:
            case ast.Name():
                return self._numbered(node)
            case ast.Constant():
                return self._constant(node)
            case ast.BinOp() if type(node.op) in BINARY or isinstance(node.op, ast.Pow):
                pass
            case ast.UnaryOp() if isinstance(node.op, UNARY):
                pass
            case ast.BoolOp():
                pass
            case ast.Compare() if all(type(operator) in COMPARISONS for operator in node.ops):
                pass
            case ast.Call():
                self._check_call(node)
            case ast.Subscript():
                self._check_subscript(node)
            case _:
                self._fail(node, f"{_describe(node)} is not allowed in an expression")
        return _replaced(node, [self._checked(child, depth + 1) for child in operands(node)])

    def _named(self, node: ast.expr) -> ast.expr:
        """`a.b.c` as the one name that it is, and a quoted name as what stands in the quotes."""
        parts, at = [], node
        while isinstance(at, ast.Attribute):
            parts.append(at.attr)
            at = at.value
        if not isinstance(at, ast.Name):
            return node
        parts.append(at.id)
        name = ".".join(self._quoted.get(part) or part for part in reversed(parts))
        return ast.copy_location(ast.Name(name, ast.Load()), at)

    def _numbered(self, node: ast.Name) -> ast.expr:
        """A quoted name with a range of numbers as the columns that it stands for; any other as it is."""
        match = NUMBERED.fullmatch(node.id)
        if match is None:
            return node
        before, first, last, after = match.groups()
        numbers = range(int(first), int(last) + 1)
        if not 0 < len(numbers) <= MOST_NUMBERED:
            self._fail(
                node, f"{{{first}..{last}}} is a range of {len(numbers):,} numbers, 1 to {MOST_NUMBERED:,} are read"
            )
        width = len(first) if first.startswith("0") else 0
        names = [f"{before}{number:0{width}}{after}" for number in numbers]
        columns: list[ast.expr] = [ast.copy_location(ast.Name(name, ast.Load()), node) for name in names]
        return ast.copy_location(ast.Call(ast.copy_location(ast.Name("stack", ast.Load()), node), columns, []), node)

    def _constant(self, node: ast.Constant) -> ast.expr:
        value: Any = node.value
        if not isinstance(value, bool | str | float | int):
            self._fail(node, f"{value!r:.40} is neither a number nor a text")
        if isinstance(value, int) and abs(value) >= 2**63:
            self._fail(node, "an integer of more than 64 bits")
        return node

    def _check_call(self, node: ast.Call) -> None:
        name = getattr(self._named(node.func), "id", None)
        if name not in FUNCTIONS:
            functions = list(FUNCTIONS)
            if name is None:
                self._fail(node, "only a function can be called")
            error = unknown_name(self.text, self.where, node, name, functions)
            raise UserError(self.where, error.what.replace("unknown name", "unknown function"), error.todo)
        function = FUNCTIONS[name]
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            self._fail(node, f"arguments of {name}() are given by place: {function.signature}")
        if not function.least <= len(node.args) <= function.most:
            self._fail(node, f"{function.signature} takes {function.takes()}, found {len(node.args)}")

    def _check_subscript(self, node: ast.Subscript) -> None:
        index = node.slice
        if isinstance(index, ast.Slice):
            bounds = (index.lower, index.upper)
            if index.step is not None or not all(bound is None or _is_whole(bound) for bound in bounds):
                self._fail(node, "a part of a list is [a:b] with integers")
        elif isinstance(index, ast.Tuple):
            self._fail(node, "[...] takes one place, [a:b], or a list of places")

    def _fail(self, node: ast.expr, what: str) -> NoReturn:
        raise UserError(self.where, f"{place(self.text, node)}: {what}", "") from None

    def _fail_at(self, position: tuple[int, int], what: str) -> NoReturn:
        line, column = position
        if line == 1:
            column -= 1
        before = sum(len(part) + 1 for part in self.text.splitlines()[: line - 1])
        at = min(max(before + column, 0), len(self.text))
        raise UserError(self.where, f"'{shortened(self.text)}' {what}, at character {at + 1}", "") from None


def _is_whole(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) is int


def _describe(node: ast.expr) -> str:
    words = {
        ast.Lambda: "a function definition",
        ast.IfExp: "'if' (write where(condition, x, y))",
        ast.Dict: "a mapping",
        ast.List: "a list",
        ast.Tuple: "a sequence with commas",
        ast.NamedExpr: "an assignment",
        ast.JoinedStr: "an f-string",
        ast.Compare: "'in' or 'is' (write is_in(x, a, b))",
        ast.BinOp: "this operator",
        ast.Attribute: "a part of a value",
    }
    return words.get(type(node), type(node).__name__)


def _replaced(node: ast.expr, children: list[ast.expr]) -> ast.expr:
    """The node with these operands."""
    match node:
        case ast.BinOp():
            node.left, node.right = children
        case ast.UnaryOp():
            (node.operand,) = children
        case ast.BoolOp():
            node.values = children
        case ast.Compare():
            node.left, node.comparators = children[0], children[1:]
        case ast.Call():
            node.args = children
        case ast.Subscript():
            node.value = children[0]
            if len(children) > 1:
                node.slice = children[1]
    return node


def _walk(node: ast.expr) -> Iterator[ast.expr]:
    """The node and all its operands, in the order of the text; a function's name is none."""
    yield node
    for child in operands(node):
        yield from _walk(child)
