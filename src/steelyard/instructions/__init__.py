"""What contributors read before they work: versioned Markdown of a project, rendered safely, with the version that each has read."""

from steelyard.instructions.edit import add_picture, mark_read, set_instructions
from steelyard.instructions.model import Instructions, ShownInstructions, VersionInfo
from steelyard.instructions.read import for_work, get_instructions, list_versions
from steelyard.instructions.render import MAX_MARKDOWN

__all__ = [
    "MAX_MARKDOWN",
    "Instructions",
    "ShownInstructions",
    "VersionInfo",
    "add_picture",
    "for_work",
    "get_instructions",
    "list_versions",
    "mark_read",
    "set_instructions",
]
