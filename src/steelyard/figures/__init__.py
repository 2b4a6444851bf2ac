"""Figures: what contributors did, by day, as maintained aggregates (docs/adr, Figures in the transactions that make them)."""

from steelyard.figures.model import By, Counted, Every, FigureRow, FigureSet, Wanted
from steelyard.figures.read import csv_of, figures, own_figures

__all__ = [
    "By",
    "Counted",
    "Every",
    "FigureRow",
    "FigureSet",
    "Wanted",
    "csv_of",
    "figures",
    "own_figures",
]
