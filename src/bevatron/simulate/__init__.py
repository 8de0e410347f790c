"""The stage `simulate`: sources that generate raw events, or read those that others generated."""
