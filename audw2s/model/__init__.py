"""Models: the table of them, how they are found, verified and opened."""
