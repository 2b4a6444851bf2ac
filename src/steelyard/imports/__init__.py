"""Many tasks at once: NDJSON lines in, an outcome for each line out."""

from steelyard.imports.adopting import Adopting
from steelyard.imports.creating import Creating
from steelyard.imports.lines import Line, LineResult, LineWriter, Tally, chunks_of_lines, encode_result
from steelyard.imports.stream import import_stream

__all__ = [
    "Adopting",
    "Creating",
    "Line",
    "LineResult",
    "LineWriter",
    "Tally",
    "chunks_of_lines",
    "encode_result",
    "import_stream",
]
