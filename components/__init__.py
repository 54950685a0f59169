"""Pulumi component resources, one a file: they declare what they are told to, and decide nothing."""
