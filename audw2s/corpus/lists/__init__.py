"""Readers of corpora: folders, tables, databases, and layouts of publishers."""
