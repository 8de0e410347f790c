"""Batches of a split: the resident and the streaming reader, orders and sampling."""
