"""The commands of the command line. Heavy imports happen inside each command, so that `bevatron --help` is fast."""
