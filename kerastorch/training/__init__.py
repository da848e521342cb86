"""Data adapters, compiled losses and metrics, and the loop."""
