"""Wav2Small as an npm package: WebAssembly, an ES module and its types."""
