"""Published results, one JSON file each, made by `python -m recipes.publish`."""
