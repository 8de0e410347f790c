"""A parsed expression, and its values over columns."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bevatron.errors import UserError
from bevatron.expressions.functions import CONSTANTS, FUNCTIONS, is_list, side_by_side
from bevatron.expressions.wide import reckon, widen

BINARY = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.remainder,
    ast.BitAnd: np.logical_and,
    ast.BitOr: np.logical_or,
    ast.BitXor: np.logical_xor,
}
COMPARISONS = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
TEXT_COMPARISONS = (ast.Eq, ast.NotEq)


@dataclass(frozen=True)
class Expression:
    """What the text says, checked; `names` are the columns that it reads, in the order of their first place.

    tree: Python's syntax tree of the text, of which `parse` has let through what is allowed. where: the key of the
    configuration that holds the text.
    """

    text: str
    tree: ast.expr
    names: tuple[str, ...]
    where: str

    def evaluate(self, columns: Mapping[str, Any]) -> Any:
        """Values for each sample: (n,) numbers, truth values or texts, or an awkward array of lists.

        `columns` holds numpy arrays (n,) and awkward arrays of lists by name. Raises UserError for a column that it
        lacks, and for columns that do not go together.
        """
        with np.errstate(all="ignore"):  # 1 / 0 is inf, log(-1) is NaN: what becomes of them is another question
            return self._value(self.tree, columns)

    def _value(self, node: ast.expr, columns: Mapping[str, Any]) -> Any:
        arguments = [self._value(child, columns) for child in operands(node)]
        try:
            return self._apply(node, side_by_side(arguments) if combines_columns(node) else arguments, columns)
        except UserError:
            raise
        except Exception as error:
            self._fail(node, _first_line(error))

    def _apply(self, node: ast.expr, arguments: list[Any], columns: Mapping[str, Any]) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name(id=name):
                return columns[name] if name in columns else self._constant(node, name, columns)
            case ast.BinOp(op=ast.Pow()):
                return np.float_power(*arguments)
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.BitXor()):
                return BINARY[type(node.op)](*arguments)
            case ast.BinOp():
                return reckon(BINARY[type(node.op)], *arguments)
            case ast.UnaryOp(op=ast.USub()):
                return reckon(np.negative, arguments[0])
            case ast.UnaryOp(op=ast.UAdd()):
                return arguments[0]
            case ast.UnaryOp():
                return np.logical_not(arguments[0])
            case ast.BoolOp():
                combine = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
                result = arguments[0]
                for argument in arguments[1:]:
                    result = combine(result, argument)
                return result
            case ast.Compare():
                return self._compare(node, arguments)
            case ast.Call(func=ast.Name(id=name)):
                function = FUNCTIONS[name]
                return function.call(*(map(widen, arguments) if function.widens else arguments))
            case ast.Subscript():
                return _select(arguments[0], node.slice, arguments[1:])
        raise AssertionError(f"parse() lets no {type(node).__name__} through")

    def _constant(self, node: ast.expr, name: str, columns: Mapping[str, Any]) -> Any:
        if name in CONSTANTS:
            return CONSTANTS[name]
        raise unknown_name(self.text, self.where, node, name, list(columns))

    def _compare(self, node: ast.Compare, arguments: list[Any]) -> Any:
        result: Any = None
        for operator, left, right in zip(node.ops, arguments, arguments[1:], strict=False):
            if isinstance(left, str) or isinstance(right, str):
                part = _compare_text(operator, left, right)
            else:
                part = COMPARISONS[type(operator)](left, right)
            result = part if result is None else np.logical_and(result, part)
        return result

    def _fail(self, node: ast.expr, what: str) -> Any:
        raise UserError(self.where, f"{place(self.text, node)}: {what}", "") from None


def operands(node: ast.expr) -> list[ast.expr]:
    """The expressions whose values `node` combines."""
    match node:
        case ast.BinOp():
            return [node.left, node.right]
        case ast.UnaryOp():
            return [node.operand]
        case ast.BoolOp():
            return node.values
        case ast.Compare():
            return [node.left, *node.comparators]
        case ast.Call():
            return node.args
        case ast.Subscript(slice=ast.Slice()):
            return [node.value]
        case ast.Subscript():
            return [node.value, node.slice]
    return []


def combines_columns(node: ast.expr) -> bool:
    """Whether values of the operands go together one by one."""
    return not isinstance(node, ast.Subscript) and not (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "stack"
    )


def place(text: str, node: ast.expr) -> str:
    """Where in the text a part of it stands, counted from 1 in characters."""
    line = text.splitlines()[node.lineno - 1] if text else ""
    before = sum(len(part) + 1 for part in text.splitlines()[: node.lineno - 1])
    column = before + len(line.encode()[: node.col_offset].decode(errors="ignore")) + 1
    return f"in '{shortened(text)}', character {column}"


def shortened(text: str) -> str:
    """The text on one line of bearable length."""
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:77] + "..."


def unknown_name(text: str, where: str, node: ast.expr, name: str, known: list[str]) -> UserError:
    """For a name that is no column."""
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(sorted(known)[:30]) + (", ..." if len(known) > 30 else "")
    todo = (f"did you mean '{near[0]}'? " if near else "") + f"known: {listed or 'none'}"
    return UserError(where, f"{place(text, node)}: unknown name '{name}'", todo)


def _compare_text(operator: ast.cmpop, left: Any, right: Any) -> Any:
    if not isinstance(operator, TEXT_COMPARISONS):
        raise ValueError("texts can be compared by == and != alone")
    column, text = (right, left) if isinstance(left, str) else (left, right)
    equal = np.asarray([value == text for value in _texts(column)], bool)
    return equal if isinstance(operator, ast.Eq) else ~equal


def _texts(column: Any) -> list[str]:
    values = np.asarray(column)
    if values.dtype.kind == "S":
        return [value.decode("utf-8", "replace") for value in values.tolist()]
    if values.dtype.kind not in "UO":
        raise ValueError("a text is compared with numbers")
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values.tolist()]


def _select(values: Any, index: ast.expr, arguments: list[Any]) -> Any:
    """values[k], values[a:b] and values[places] of each sample's list."""
    import awkward as ak

    if not is_list(values):
        raise ValueError("[...] chooses from a list of values, and this column has one value a sample")
    if isinstance(index, ast.Slice):
        bounds = [None if bound is None else ast.literal_eval(bound) for bound in (index.lower, index.upper)]
        return values[:, slice(*bounds)]
    (chosen,) = arguments
    if is_list(chosen):
        return values[chosen]
    padded = ak.pad_none(values, chosen + 1 if chosen >= 0 else -chosen, axis=1) if chosen >= 0 else values
    if chosen < 0:
        enough = ak.num(values, axis=1) >= -chosen
        picked = ak.mask(values, enough)[:, chosen]
    else:
        picked = padded[:, chosen]
    return ak.to_numpy(ak.fill_none(picked, np.nan))


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:200]
