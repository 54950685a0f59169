"""Azure on this machine, for development and tests: ARM over SQLite, storage by Azurite, a stand-in provider."""
