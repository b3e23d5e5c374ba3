"""How well models do, and at what cost: measures, intervals, tables and plots.

All of it works on tables and ONNX files, without torch. What reads corpora and runs
models on them stands above, as ``audw2s distill evaluate`` and ``compare`` do.
"""
