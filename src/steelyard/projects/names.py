"""The rule for names of projects and batches, which are public keys and stand in URLs (platform-api §1.3)."""

from __future__ import annotations

from steelyard.errors import parameter

MAX_NAME = 255


def check_name(text: str, path: str = "name") -> str:
    """The name, unchanged. Raises InvalidRequest unless it has 1-255 characters that are not all white space."""
    if not text.strip() or len(text) > MAX_NAME:
        raise parameter(path, f"must be a non-empty string of at most {MAX_NAME} characters")
    return text
