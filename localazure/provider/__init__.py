"""The azure-native stand-in: a Pulumi provider that turns resource types and invokes into ARM calls of local Azure."""
