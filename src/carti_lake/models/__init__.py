"""What the models add to gold: pure functions of marts, each with the error that says how far to trust it."""
