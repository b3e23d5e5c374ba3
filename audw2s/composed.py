"""What models that are made of several files have in common."""

import audobject
import audonnx


class Composed(audonnx.Model):
    """A model without an ONNX file of its own: its arguments say what it is."""

    def to_yaml(self, path: str, *, include_version: bool = True) -> None:
        """Write the arguments, which is all that this model is."""
        with open(path, "w", encoding="utf-8") as file:
            audobject.Object.to_yaml(self, file, include_version=include_version)
