"""The commands of the command line. Heavy imports wait for their command: `bevatron --help` takes 0.15 s."""
