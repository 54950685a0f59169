"""The Functions hosts of local Azure: each running site and slot with functions has a worker process."""
