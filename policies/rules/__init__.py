"""The rules, by what they are about. Each is a pure function from the program to findings."""
