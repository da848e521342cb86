"""Pure functions from tensors to tensors that layers are made of."""
