"""The stage that makes raw events: simulations, and readers of external files."""
