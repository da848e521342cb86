"""Image models with published architectures, importable as `kerastorch.applications`."""
