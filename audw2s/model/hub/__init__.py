"""Published weights: where they are, how they are downloaded and converted."""
