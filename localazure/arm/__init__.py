"""Azure's resource manager on this machine: the ARM REST API over one SQLite file."""
