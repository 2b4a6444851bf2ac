"""Steelyard: a self-hosted data-labeling platform that speaks Scale AI's API."""

__version__ = "0.1.0"
