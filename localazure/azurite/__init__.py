"""Storage for local Azure: one Azurite process serves the blobs, queues and tables of all accounts."""
