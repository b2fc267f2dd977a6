"""The commands, a file per stage. Thin: read flags, build the config, call the stage, print. They exit through `cli.py`."""
