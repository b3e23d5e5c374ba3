"""Web page that compares teacher and student on the same speech.

Only ``app.py`` and ``server.py`` use Gradio.
"""
