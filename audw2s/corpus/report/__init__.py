"""What was found in a corpus, as a page and in a few lines."""
