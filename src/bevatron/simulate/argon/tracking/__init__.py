"""The transport of particles through argon, step by step."""
