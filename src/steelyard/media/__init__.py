"""Content types by content, what may be shown inline, and signed URLs for stored media."""
