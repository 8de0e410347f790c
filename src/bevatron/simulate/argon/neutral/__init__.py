"""Neutrons in liquid argon."""
