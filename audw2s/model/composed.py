"""Base class of models that consist of several files."""

import audeer
import audonnx


class MultiFileModel(audonnx.Model):
    """Model without an ONNX file of its own, defined by its arguments."""

    def to_yaml(self, path: str, *, include_version: bool = True) -> None:
        """Write the arguments, which define the model.

        :func:`audonnx.load` opens it, if audw2s is installed.

        Args:
            path: path that ends on ``.yaml``
            include_version: add the version to the name of the class

        Raises:
            ValueError: if the path doesn't end on ``.yaml``

        """
        if audeer.file_extension(path) != "yaml":
            raise ValueError(f"The path of a model has to end on .yaml, not '{path}'.")
        text = self.to_yaml_s(include_version=include_version)
        audeer.mkdir(audeer.path(path, ".."))
        with open(path, "w", encoding="utf-8") as file:
            # audonnx.load treats a file as ONNX unless it begins like this;
            # audobject takes it for the package of the class
            file.write(text.replace("$", "$audonnx:", 1))
