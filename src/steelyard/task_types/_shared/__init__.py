"""Parts that several task types use by declaration."""
