"""What everything else stands on: settings, names, errors, nested structures, variables, registries."""
