"""Derived files: what is made from stored media for showing them (thumbnails, deep-zoom tiles, video frame times, page images, peaks).

Everything that is made from one file lies in one stored object, its parts found by an index of offsets; it may be deleted at any time and is
made again when it is next asked for.
"""

from steelyard.derived.jobs import DeriveMedia, derive_media, ensure, promise
from steelyard.derived.model import MediaView, Part
from steelyard.derived.queries import derived_figures
from steelyard.derived.views import content_of, derived_part, places, views

__all__ = [
    "DeriveMedia",
    "MediaView",
    "Part",
    "content_of",
    "derive_media",
    "derived_figures",
    "derived_part",
    "ensure",
    "places",
    "promise",
    "views",
]
