"""Every operation of the server, collected from the modules of `v1/`, `api/` and this folder by their presence."""

from __future__ import annotations

import importlib
import pkgutil

import steelyard.http
from steelyard.http import api, v1
from steelyard.http.route import Route, Routes


def all_routes() -> list[Route]:
    """All routes. A module joins by defining `routes = Routes(...)`."""
    found: list[Route] = []
    for package in (v1, api, steelyard.http):
        for module in pkgutil.iter_modules(package.__path__):
            routes = getattr(importlib.import_module(f"{package.__name__}.{module.name}"), "routes", None)
            if isinstance(routes, Routes):
                found += routes.all
    return found
