"""Recipes: one file for each task that trains, evaluates and saves a model.

`python -m recipes` lists them.
"""

import sys

if sys.argv[:1] == ["-m"]:  # for `python -m recipes.NAME`, while Python looks for NAME
    from zoo.command_line import start

    start()
