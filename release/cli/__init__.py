"""The command line: the same observation, plan, gates and swap as in `pulumi up`, one step at a time."""
