"""What maintainers run: publishing results, and comparing options of the recipes."""
