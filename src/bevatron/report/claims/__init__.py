"""Tests of claims, one kind a module, found by name. Each turns measured numbers into a verdict."""
