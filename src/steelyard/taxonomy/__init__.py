"""Labels, nested choices, annotation attributes and their conditions. Pure: no I/O, no context."""
