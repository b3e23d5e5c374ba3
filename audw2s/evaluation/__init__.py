"""Evaluation of models: measures, intervals, costs, tables and plots.

All functions take tables and ONNX files, and need no torch. Corpora are read and
processed by :mod:`audw2s.corpus.evaluate`.
"""
