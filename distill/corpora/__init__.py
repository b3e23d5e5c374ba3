"""Corpora of every layout, as one kind of table."""
