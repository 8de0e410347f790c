"""Expressions of weaver, which are Python over awkward and numpy arrays, as Bevatron's: parsed, never run."""

import ast
from collections.abc import Callable

from bevatron.draft.names import as_expression
from bevatron.errors import UserError
from bevatron.expressions import parse

LIBRARIES = ("np", "numpy", "ak", "awkward", "ak0", "awkward0", "math", "awkward.JaggedArray", "ak.JaggedArray")
SAME = {
    "abs": "abs", "absolute": "abs", "fabs": "abs", "sign": "sign", "sqrt": "sqrt", "exp": "exp", "expm1": "expm1",
    "log": "log", "log10": "log10", "log2": "log2", "log1p": "log1p", "floor": "floor", "ceil": "ceil", "rint": "round",
    "round": "round", "around": "round", "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos",
    "arctan": "atan", "asin": "asin", "acos": "acos", "atan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "asinh": "asinh", "acosh": "acosh", "atanh": "atanh",
    "isfinite": "is_finite", "isnan": "is_nan", "hypot": "hypot", "arctan2": "atan2", "atan2": "atan2",
    "maximum": "maximum", "minimum": "minimum", "where": "where",
}  # fmt: skip
OPERATORS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "true_divide": "/", "power": "**", "float_power": "**",
    "mod": "%", "remainder": "%", "floor_divide": "//", "logical_and": "and", "logical_or": "or", "bitwise_and": "and",
    "bitwise_or": "or", "logical_xor": "^", "greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=",
    "equal": "==", "not_equal": "!=",
}  # fmt: skip
REDUCTIONS = {"sum": "sum", "mean": "mean", "min": "min", "max": "max", "any": "any", "all": "all", "count": "count"}
REDUCTIONS |= {"num": "count"}
IDENTITIES = ("to_numpy", "from_numpy", "asarray", "array", "float32", "float64", "Array")
FLOATS = (
    "float",
    "float32",
    "float64",
    "np.float32",
    "np.float64",
    "'float32'",
    "'float64'",
    "'float'",
    "'f4'",
    "'f8'",
)
CONSTANTS = {"pi": "pi", "inf": "inf", "nan": "nan", "e": "2.718281828459045"}
SIGNS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "^", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip


class NotTranslatedError(Exception):
    """An expression has no counterpart; the message says which part of it."""


def translate(text: object) -> str:
    """The expression in Bevatron's language. Raises NotTranslatedError, with the part that has no counterpart."""
    source = " ".join(str(text).split())
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise NotTranslatedError("it is no expression of Python") from None
    try:
        result = _Translator(source).text(tree)
        parse(result, "draft")
    except UserError as error:
        raise NotTranslatedError(error.what) from None
    except RecursionError:
        raise NotTranslatedError("it is nested too deeply") from None
    if "`" in result:  # which Python does not know
        return result
    return ast.unparse(ast.parse(result, mode="eval"))  # without brackets that say nothing


class _Translator:
    def __init__(self, source: str):
        self._source = source

    def text(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=bool() | int() | float() | str()):
                return repr(node.value) if not isinstance(node.value, str) else _quoted(node.value)
            case ast.Name(id=name):
                return self._name(name, node)
            case ast.Attribute():
                library, name = self._of_library(node)
                if library and name in CONSTANTS:
                    return CONSTANTS[name]
                raise _failure(node)
            case ast.BinOp():
                return self._operation(node, node.op, node.left, node.right)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return f"({'-' if isinstance(node.op, ast.USub) else '+'}{self.text(node.operand)})"
            case ast.UnaryOp():
                return f"(not {self.text(node.operand)})"
            case ast.BoolOp():
                sign = " and " if isinstance(node.op, ast.And) else " or "
                return "(" + sign.join(self.text(part) for part in node.values) + ")"
            case ast.Compare() if all(type(operator) in SIGNS for operator in node.ops):
                parts = [self.text(node.left)]
                for operator, part in zip(node.ops, node.comparators, strict=True):
                    parts += [SIGNS[type(operator)], self.text(part)]
                return f"({' '.join(parts)})"
            case ast.IfExp():
                return f"where({self.text(node.test)}, {self.text(node.body)}, {self.text(node.orelse)})"
            case ast.Subscript():
                return self._subscript(node)
            case ast.Call():
                return self._call(node)
        raise _failure(node)

    def _name(self, name: str, node: ast.expr) -> str:
        text = as_expression(name)
        if text is None:
            raise _failure(node)
        return text

    def _operation(self, node: ast.expr, operator: ast.operator, left: ast.expr, right: ast.expr) -> str:
        sign = SIGNS.get(type(operator))
        if sign is None:
            raise _failure(node)
        if sign in ("and", "or", "^") and not (_may_be_true(left) and _may_be_true(right)):
            raise _failure(node)  # of bits
        return f"({self.text(left)} {sign} {self.text(right)})"

    def _subscript(self, node: ast.Subscript) -> str:
        index = node.slice
        if isinstance(index, ast.Tuple):  # x[:, k]: of each row
            rows, *others = index.elts
            if not (isinstance(rows, ast.Slice) and not (rows.lower or rows.upper or rows.step)) or len(others) != 1:
                raise _failure(node)
            index = others[0]
            if isinstance(index, ast.Slice):
                if index.step is not None:
                    raise _failure(node)
                bounds = [self.text(bound) if bound else "" for bound in (index.lower, index.upper)]
                bounds = [bound.strip("()") for bound in bounds]
                return f"{self.text(node.value)}[{':'.join(bounds)}]"
            return f"{self.text(node.value)}[{self.text(index).strip('()')}]"
        if isinstance(index, ast.Slice | ast.Constant | ast.UnaryOp) and not _is_not(index):
            raise _failure(node)  # of rows, not of elements
        return f"{self.text(node.value)}[{self.text(index)}]"

    def _of_library(self, node: ast.expr) -> tuple[str, str]:
        """The library and the name of `np.log`; '' for what is of none."""
        if isinstance(node, ast.Attribute):
            library = ast.unparse(node.value)
            if library in LIBRARIES:
                return library, node.attr
        return "", ""

    def _call(self, node: ast.Call) -> str:
        library, name = self._of_library(node.func)
        if not library:
            if isinstance(node.func, ast.Name) and node.func.id == "abs" and len(node.args) == 1:
                return f"abs({self.text(node.args[0])})"
            if isinstance(node.func, ast.Attribute):
                return self._method(node, node.func)
            raise _failure(node)
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            raise _failure(node)
        if name in REDUCTIONS and name not in ("abs",) and library != "math":
            return self._reduction(node, name, node.args)
        special: dict[str, Callable[[ast.Call], str]] = {
            "ones_like": lambda call: f"(1 * (is_nan({self._only(call)}) >= 0))",
            "zeros_like": lambda call: f"(1 * (is_nan({self._only(call)}) < 0))",
            "square": lambda call: f"({self._only(call)} ** 2)",
            "negative": lambda call: f"(-{self._only(call)})",
            "logical_not": lambda call: f"(not {self._only(call)})",
            "firsts": lambda call: f"first({self._only(call)})",
            "clip": self._clip,
            "nan_to_num": self._nan_to_num,
            "fill_none": self._fill_none,
            "argsort": self._argsort,
            "values_astype": lambda call: self._astype(call, call.args[0], call.args[1:]),
        }
        if name in special:
            return special[name](node)
        if node.keywords:
            raise _failure(node)
        arguments = [self.text(argument) for argument in node.args]
        if name in IDENTITIES and len(arguments) == 1:
            return arguments[0]
        if name in OPERATORS and len(arguments) == 2:
            return f"({arguments[0]} {OPERATORS[name]} {arguments[1]})"
        if name in SAME and arguments:
            return f"{SAME[name]}({', '.join(arguments)})"
        raise _failure(node)

    def _method(self, node: ast.Call, function: ast.Attribute) -> str:
        """`x.sum(axis=1)`, `x.astype(float)`."""
        if function.attr in REDUCTIONS:
            return self._reduction(node, function.attr, [function.value, *node.args])
        if function.attr == "astype" and not node.keywords:
            return self._astype(node, function.value, node.args)
        raise _failure(node)

    def _only(self, node: ast.Call) -> str:
        if len(node.args) != 1:
            raise _failure(node)
        return self.text(node.args[0])

    def _reduction(self, node: ast.Call, name: str, arguments: list[ast.expr]) -> str:
        """Over the elements of each row: the axis must say so, but for ak.num, whose default it is."""
        axis = next((ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg == "axis"), None)
        if len(arguments) == 2:
            axis = ast.unparse(arguments[1])
        if axis is None and name == "num":
            axis = "1"
        if axis not in ("1", "-1") or not 1 <= len(arguments) <= 2:
            raise _failure(node)
        if any(keyword.arg not in ("axis", "keepdims", "mask_identity") for keyword in node.keywords):
            raise _failure(node)
        if any(keyword.arg == "keepdims" for keyword in node.keywords):
            raise _failure(node)
        return f"{REDUCTIONS[name]}({self.text(arguments[0])})"

    def _given(self, node: ast.Call, names: tuple[str, ...]) -> list[ast.expr | None]:
        """Arguments by place or by keyword, in the order of the names."""
        given: list[ast.expr | None] = [*node.args, *[None] * (len(names) - len(node.args))]
        if len(given) > len(names):
            raise _failure(node)
        for keyword in node.keywords:
            if keyword.arg not in names:
                raise _failure(node)
            given[names.index(keyword.arg)] = keyword.value
        return given

    def _clip(self, node: ast.Call) -> str:
        keywords = {keyword.arg for keyword in node.keywords}
        names = ("a", "min", "max") if keywords & {"min", "max"} else ("a", "a_min", "a_max")
        values, low, high = self._given(node, names)
        if values is None:
            raise _failure(node)
        text = self.text(values)
        lower, upper = (None if bound is None or _is_none(bound) else self.text(bound) for bound in (low, high))
        if lower is not None and upper is not None:
            return f"clip({text}, {lower}, {upper})"
        return f"maximum({text}, {lower})" if lower is not None else f"minimum({text}, {upper})" if upper else text

    def _nan_to_num(self, node: ast.Call) -> str:
        values, _, nan, positive, negative = self._given(node, ("x", "copy", "nan", "posinf", "neginf"))
        if values is None or positive is not None or negative is not None:
            raise _failure(node)
        text = self.text(values)
        return f"where(is_nan({text}), {self.text(nan) if nan is not None else '0'}, {text})"

    def _fill_none(self, node: ast.Call) -> str:
        values, replacement = self._given(node, ("array", "value"))
        if values is None or replacement is None:
            raise _failure(node)
        text = self.text(values)
        return f"where(is_nan({text}), {self.text(replacement)}, {text})"

    def _argsort(self, node: ast.Call) -> str:
        values, axis, ascending = self._given(node, ("array", "axis", "ascending"))
        if values is None or (axis is not None and ast.unparse(axis) not in ("1", "-1")):
            raise _failure(node)
        if ascending is None or ast.unparse(ascending) == "True":
            return f"argsort({self.text(values)})"
        if ast.unparse(ascending) != "False":
            raise _failure(node)
        return f"argsort({self.text(values)}, 1)"

    def _astype(self, node: ast.Call, values: ast.expr, kinds: list[ast.expr]) -> str:
        kind = ast.unparse(kinds[0]) if len(kinds) == 1 else ""
        if kind in FLOATS:
            return self.text(values)
        if kind in ("bool", "'bool'", "np.bool_"):
            return f"({self.text(values)} != 0)"
        raise _failure(node)


def _failure(node: ast.expr) -> NotTranslatedError:
    return NotTranslatedError(f"'{ast.unparse(node)[:80]}' has no counterpart")


def _may_be_true(node: ast.expr) -> bool:
    """Whether & and | of it can be meant as and, or: it is no number, and no sum of numbers."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.BitAnd | ast.BitOr | ast.BitXor)
    return not (isinstance(node, ast.Constant) and not isinstance(node.value, bool))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_not(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert | ast.Not)


def _quoted(text: str) -> str:
    if any(sign in text for sign in "`\\\n") or not text.isprintable():
        raise NotTranslatedError(f"the text {text!r:.40} cannot be written")
    return repr(text)
