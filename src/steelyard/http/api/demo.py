"""The demo project, for whoever has just set up an installation."""

from __future__ import annotations

from msgspec import Struct

from steelyard.demo_project import make_demo_project
from steelyard.http.route import LEAD, Call, Routes

routes = Routes("api", "Demo")


class DemoMade(Struct, kw_only=True):
    """Where to find the demo; `made`: it was not there before."""

    project: str
    batch: str
    made: bool


@routes.post("/api/demo", response=DemoMade, access=LEAD)
async def add_demo(call: Call) -> DemoMade:
    """Add the demo project

    Three photographs to draw boxes on, in a batch that is ready to be worked on. Asking again changes nothing.
    """
    demo = await make_demo_project(call.ctx, call.actor)
    return DemoMade(project=demo.project, batch=demo.batch, made=demo.made)
