"""Evaluation of models: measures, intervals, costs, tables and plots.

All functions take tables and ONNX files, and need no torch. Corpora are read and
processed by ``audw2s distill evaluate`` and ``compare``.
"""
