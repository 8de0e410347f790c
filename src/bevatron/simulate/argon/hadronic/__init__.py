"""Decays and nuclear reactions in argon."""
