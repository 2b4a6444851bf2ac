"""Prints the OpenAPI document of this version, from which the browser's typed client is made (`npm run api` in web/)."""

from __future__ import annotations

import sys

from steelyard.http import openapi
from steelyard.http.surface import all_routes

if __name__ == "__main__":
    sys.stdout.buffer.write(openapi.document(list(all_routes()), "http://127.0.0.1:8000"))
