"""Orchestrations that run all the while through release after release, and the account of what became of them."""
