"""The stage `prepare`: recipes that turn raw events into the samples that networks learn from."""
