"""Models: functions from a configuration dataclass to a functional `keras.Model`."""
