"""YAML from anybody: plain values alone, and no more of them than a person writes.

The safe loader builds no Python objects, but a few lines of anchors within anchors can stand for billions of values
("billion laughs"), which cost nothing until something walks or prints them. So the document's nodes are counted, each
as often as it is used, before any value is built.

Escapes can put characters into a text that stand for no sign: controls, which act on a terminal, and halves of
characters, which no file can hold. They are refused here, so that all texts of a configuration can be written anywhere.

PyYAML reads YAML 1.1, in which `010` is 8, `2:30` is 150 and `2016_17` is 201617, and keeps the last of two equal keys
without a word. All are refused: a person means something else, and other readers read something else. In two things
YAML 1.2 is followed, which is what people mean: `1e-3` is a number and no text, and `yes`, `no`, `on` and `off` are
texts (a key for true or false takes them still).
"""

import math
import re
import unicodedata
from typing import Any

import yaml
from yaml.reader import ReaderError

MOST_VALUES = 100_000
YAML_BYTES = 1 << 21  # of a file: the largest of ours has a hundredth of that
# Octal in both ways of writing it, binary, base 60, and digits with underscores that do not part thousands.
ODD_NUMBER = re.compile(
    r"[-+]?(0[0-9_]+|0o[0-7_]+|0b[01_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|[0-9.]*[0-9]_[0-9._]*([eE][-+]?[0-9]+)?)"
)
THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(_[0-9]{3})+(\.[0-9]*)?")
EXPONENT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+")  # some of which are texts in YAML 1.1
MOST_DIGITS = 300
TAG = "tag:yaml.org,2002:"
NUMBERS = (f"{TAG}int", f"{TAG}float")
MERGE = f"{TAG}merge"


class _Loader(yaml.SafeLoader):
    """The safe loader with numbers and truth values as YAML 1.2 has them."""


class _Dumper(yaml.SafeDumper):
    """The safe dumper, which also puts into quotes what `_Loader` would not read as a text."""


def _whole(pattern: str) -> re.Pattern[str]:
    """For PyYAML, which takes a pattern that matches the beginning of a text for one of all of it."""
    return re.compile(f"(?:{pattern})\\Z")


_Dumper.add_implicit_resolver(f"{TAG}float", _whole(EXPONENT.pattern), list("-+.0123456789"))
_Dumper.add_implicit_resolver(f"{TAG}int", _whole(ODD_NUMBER.pattern), list("-+.0123456789"))
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != f"{TAG}bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(f"{TAG}bool", _whole("true|True|TRUE|false|False|FALSE"), list("tTfF"))
_Loader.add_implicit_resolver(f"{TAG}float", _whole(EXPONENT.pattern), list("-+.0123456789"))


def parse_yaml(text: str) -> Any:
    """The document's value; raises yaml.YAMLError, also where it is too large, too deep or holds itself, where a key
    stands twice, and for numbers that YAML's versions read differently.
    """
    if len(text) > YAML_BYTES:
        raise yaml.MarkedYAMLError(problem=f"it has more than {YAML_BYTES:,} characters")
    try:
        loader = _Loader(text)
    except ReaderError as error:
        problem = f"character #x{error.character:04x} at position {error.position} is not allowed"
        raise yaml.MarkedYAMLError(problem=problem) from None
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _size(node, {}, loader)
        return loader.construct_document(node)
    except RecursionError:
        raise yaml.MarkedYAMLError(problem="it is nested too deeply") from None
    except ValueError as error:  # a date that is none, say
        raise yaml.MarkedYAMLError(problem=str(error)) from None
    finally:
        loader.dispose()


def dump_yaml(value: Any) -> str:
    """Plain values as YAML that `parse_yaml` and readers of YAML 1.1 read alike: keys in their order, UTF-8."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _size(node: yaml.Node, known: dict[int, int | None], loader: _Loader) -> int:
    """Values in the node's own tree. `known` keeps sizes by the node's id; None marks a node that is being counted."""
    if id(node) in known:
        counted = known[id(node)]
        if counted is None:
            raise yaml.MarkedYAMLError(problem="an anchor holds itself", problem_mark=node.start_mark)
        return counted
    known[id(node)] = None
    if isinstance(node, yaml.ScalarNode):
        _check_printable(node)
        _check_number(node)
    parts = node.value if isinstance(node, yaml.CollectionNode) else []
    if isinstance(node, yaml.MappingNode):
        _check_unique_keys(node, loader)
        parts = [part for pair in parts for part in pair]
    size = 1
    for part in parts:
        size += _size(part, known, loader)
        if size > MOST_VALUES:
            problem = f"it stands for more than {MOST_VALUES:,} values"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
    known[id(node)] = size
    return size


def _check_printable(node: yaml.ScalarNode) -> None:
    problem = None
    if node.tag == "tag:yaml.org,2002:binary":
        problem = "a text is expected, and no !!binary"
    for sign in set(node.value) - {"\n", "\t"}:
        if unicodedata.category(sign) in ("Cc", "Cs"):
            problem = f"its text holds U+{ord(sign):04X}, a control or half a character, which nothing can show"
    if problem:
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _check_number(node: yaml.ScalarNode) -> None:
    written, problem = node.value, None
    if node.tag not in NUMBERS and (node.style is not None or node.tag != f"{TAG}str"):
        return  # a text in quotes, say
    if ODD_NUMBER.fullmatch(written) and not THOUSANDS.fullmatch(written):
        problem = f"the number '{written[:40]}' is read in several ways: write a decimal one, or a text in quotes"
    elif node.tag not in NUMBERS:
        return
    elif len(written) > MOST_DIGITS:
        problem = f"the number '{written[:20]}...' has {len(written)} digits"
    elif EXPONENT.fullmatch(written) and math.isinf(float(written)):
        problem = f"the number '{written[:40]}' is too large"
    if problem:
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _check_unique_keys(node: yaml.MappingNode, loader: _Loader) -> None:
    """Raises for a key that stands twice, also if it is written in two ways; one that also comes from a merged mapping
    (`<<`) stands there once.
    """
    first: dict[Any, yaml.Node] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        value = MERGE if key.tag == MERGE else loader.construct_object(key)
        earlier = first.setdefault(value, key)
        if earlier is not key:
            line = earlier.start_mark.line + 1
            problem = f"the key '{key.value[:40]}' stands twice (first in line {line})"
            if key.tag == MERGE:
                problem += ": merge a list of mappings, <<: [*a, *b]"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
