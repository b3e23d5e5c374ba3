"""What models that are made of several files have in common."""

import audeer
import audonnx


class MultiFileModel(audonnx.Model):
    """A model without an ONNX file of its own: its arguments say what it is."""

    def to_yaml(self, path: str, *, include_version: bool = True) -> None:
        """Write the arguments, which are all that this model is.

        :func:`audonnx.load` opens it, where audw2s is installed.

        Args:
            path: has to end on ``.yaml``
            include_version: add the version to the name of the class

        Raises:
            ValueError: if the path doesn't end on ``.yaml``

        """
        if audeer.file_extension(path) != "yaml":
            raise ValueError(f"The path of a model has to end on .yaml, not '{path}'.")
        text = self.to_yaml_s(include_version=include_version)
        audeer.mkdir(audeer.path(path, ".."))
        with open(path, "w", encoding="utf-8") as file:
            # audonnx.load takes what it finds for ONNX unless it begins like this;
            # audobject reads it as the package that the class is from
            file.write(text.replace("$", "$audonnx:", 1))
