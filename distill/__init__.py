"""Distil A/D/V students from a teacher: label, train, evaluate, export."""
