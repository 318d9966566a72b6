"""From one IR to another that computes the same, one pass a module. None changes the model that it is given."""
