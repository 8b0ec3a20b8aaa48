"""The command line: arguments, tables, and the commands."""
