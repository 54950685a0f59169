"""What a release needs to know and do: its settings, its package, and the steps on live Azure."""
