"""Classes that emitted code carries along, one a file, checked like all code."""
