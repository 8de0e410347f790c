"""Faults put into a tiny workflow on purpose, and an inspector that counts what they broke."""
