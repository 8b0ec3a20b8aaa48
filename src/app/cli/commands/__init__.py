"""The commands of ``hubport``, a module each: ``add`` puts it on the command line, and what it adds runs it."""
