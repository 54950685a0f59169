"""The policy pack: rules over the azure-native resources of a program, built on `durable/` alone."""
