"""The commands, each a thin call of the Python API. `main` finds a command by its name and imports nothing else."""
