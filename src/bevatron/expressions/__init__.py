"""Expressions over columns of a table: parsed, checked against a list of what is allowed, never run as code."""

from bevatron.expressions.expression import Expression
from bevatron.expressions.parse import parse

__all__ = ["Expression", "parse"]
