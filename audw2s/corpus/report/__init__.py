"""Report on a corpus, as a page and in a few lines."""
