"""The lake measured: against other tools, against its own age, and against time travel."""
