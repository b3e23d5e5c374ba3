"""The page on which teacher and student are heard side by side.

``app.py`` lays out, everything else knows nothing of Gradio.
"""
