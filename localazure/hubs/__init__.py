"""Task hubs: the orchestrations of local Azure, in the Durable Task SDK's in-memory backend, mirrored into tables."""
