"""One module for each family of resource types that has a behaviour of its own."""
