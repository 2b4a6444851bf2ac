"""Tasks as a stream."""

from steelyard.exports.stream import export_pages

__all__ = ["export_pages"]
