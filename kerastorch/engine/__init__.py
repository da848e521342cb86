"""The layer, the symbolic tensor, shape inference and the graph that becomes straight-line code."""
