"""Particles followed step by step through argon."""
