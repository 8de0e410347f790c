"""YAML from anybody: plain values alone, and no more of them than a person writes.

The safe loader builds no Python objects, but a few lines of anchors within anchors can stand for billions of values
("billion laughs"), which cost nothing until something walks or prints them. So the document's nodes are counted, each
as often as it is used, before any value is built.

Escapes can put characters into a text that stand for no sign: controls, which act on a terminal, and halves of
characters, which no file can hold. They are refused here, so that all texts of a configuration can be written anywhere.

PyYAML reads YAML 1.1, in which `010` is 8 and `2:30` is 150, and keeps the last of two equal keys without a word. Both
are refused: a person means something else, and other readers read something else.
"""

import re
import unicodedata
from typing import Any

import yaml
from yaml.reader import ReaderError

MOST_VALUES = 100_000
YAML_BYTES = 1 << 21  # of a file: the largest of ours has a hundredth of that
ODD_NUMBER = re.compile(r"[-+]?(0[0-9_]+|0b[01_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)")  # octal, binary, base 60
MOST_DIGITS = 300
KINDS = {"tag:yaml.org,2002:int": "number", "tag:yaml.org,2002:float": "number"}
MERGE = "tag:yaml.org,2002:merge"


def parse_yaml(text: str) -> Any:
    """The document's value; raises yaml.YAMLError, also where it is too large, too deep or holds itself, where a key
    stands twice, and for numbers that YAML's versions read differently.
    """
    if len(text) > YAML_BYTES:
        raise yaml.MarkedYAMLError(problem=f"it has more than {YAML_BYTES:,} characters")
    try:
        loader = yaml.SafeLoader(text)
    except ReaderError as error:
        problem = f"character #x{error.character:04x} at position {error.position} is not allowed"
        raise yaml.MarkedYAMLError(problem=problem) from None
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _size(node, {})
        return loader.construct_document(node)
    except RecursionError:
        raise yaml.MarkedYAMLError(problem="it is nested too deeply") from None
    except ValueError as error:  # a date that is none, say
        raise yaml.MarkedYAMLError(problem=str(error)) from None
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, int | None]) -> int:
    """Values in the node's own tree. `known` keeps sizes by the node's id; None marks a node that is being counted."""
    if id(node) in known:
        counted = known[id(node)]
        if counted is None:
            raise yaml.MarkedYAMLError(problem="an anchor holds itself", problem_mark=node.start_mark)
        return counted
    known[id(node)] = None
    if isinstance(node, yaml.ScalarNode):
        _check_printable(node)
    parts = node.value if isinstance(node, yaml.CollectionNode) else []
    if isinstance(node, yaml.ScalarNode):
        _check_number(node)
    if isinstance(node, yaml.MappingNode):
        _check_unique_keys(node)
        parts = [part for pair in parts for part in pair]
    size = 1
    for part in parts:
        size += _size(part, known)
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
    if node.tag not in KINDS:
        return
    if ODD_NUMBER.fullmatch(node.value):
        problem = f"the number '{node.value[:40]}' is read in several ways: write a decimal one, or a text in quotes"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
    if len(node.value) > MOST_DIGITS:
        problem = f"the number '{node.value[:20]}...' has {len(node.value)} digits"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _check_unique_keys(node: yaml.MappingNode) -> None:
    """Raises for a key that stands twice; one that also comes from a merged mapping (`<<`) stands there once."""
    first: dict[tuple[str, str], yaml.Node] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == MERGE:
            continue
        earlier = first.setdefault((key.tag, key.value), key)
        if earlier is not key:
            line = earlier.start_mark.line + 1
            problem = f"the key '{key.value[:40]}' stands twice (first in line {line})"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
