"""Published results, one JSON file each; see `recipes.maintenance.publish`."""
