"""A release told on the terminal, on a local Azure of its own that is gone afterwards."""
