"""The browser's own trace of a gesture: frames on the screen, the way of each input until it was seen, the main thread's work for a frame.

An input is seen when the frame of the main thread in which it was dealt with is on the screen. The browser itself follows only inputs that change a
style, so the way is put together here: main frame (`BeginMainThreadFrame`) → its commit (`ActivateLayerTree`) → the first frame that the compositor
made of it (`PrepareToDraw` has its number) → that frame received by the display and drawn (`Display::DrawAndSwap`, to its end). A screen that was
being drawn while the main frame ended shows an earlier one and does not count. Times are milliseconds of the trace's clock.
"""

from __future__ import annotations

import bisect
import json
from functools import cached_property
from typing import Any

from playwright.sync_api import CDPSession, Page

Event = dict[str, Any]
_CATEGORIES = "devtools.timeline,disabled-by-default-devtools.timeline.frame,cc,viz,benchmark,input,latency"


def _start(event: Event) -> float:
    return event["ts"] / 1000


def _end(event: Event) -> float:
    return (event["ts"] + event["dur"]) / 1000


class Trace:
    """What happens in the browser until the trace is ended. It has one page that draws."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.session: CDPSession = page.context.new_cdp_session(page)
        self.events: list[Event] = []
        self.done = False
        self.session.on("Tracing.dataCollected", lambda e: self.events.extend(e["value"]))
        self.session.on("Tracing.tracingComplete", lambda _: setattr(self, "done", True))
        self.session.send("Tracing.start", {"transferMode": "ReportEvents", "categories": _CATEGORIES})

    def end(self) -> None:
        self.session.send("Tracing.end")
        while not self.done:
            self.page.wait_for_timeout(50)
        self.events.sort(key=lambda e: e.get("ts", 0))

    def _whole(self, name: str) -> list[Event]:
        return [e for e in self.events if e["name"] == name and e["ph"] == "X"]

    @cached_property
    def main_frames(self) -> list[tuple[float, float, int]]:
        """Beginning, end and number of each frame of the main thread."""
        numbers = [
            (_start(e), e["args"]["data"]["frameId"])
            for e in self.events
            if e["name"] == "BeginMainThreadFrame"
        ]
        found: list[tuple[float, float, int]] = []
        for e in self._whole("ProxyMain::BeginMainFrame"):
            i = bisect.bisect_left(numbers, (_start(e), -1))
            if i < len(numbers) and numbers[i][0] <= _end(e):
                found.append((_start(e), _end(e), numbers[i][1]))
        return found

    @cached_property
    def shown(self) -> dict[int, float]:
        """When each of the main thread's frames that changed something was on the screen, by its number."""
        received = [
            _start(e)
            for e in self._whole("Graphics.Pipeline")
            if e["args"].get("chrome_graphics_pipeline", {}).get("step") == "STEP_RECEIVE_COMPOSITOR_FRAME"
        ]
        draws = [(_start(e), _end(e)) for e in self._whole("Display::DrawAndSwap")]
        drawn: list[tuple[int, float]] = []
        for e in self._whole("LayerTreeHostImpl::PrepareToDraw"):
            i = bisect.bisect_left(received, _start(e))
            if i < len(received) and (j := bisect.bisect_left(draws, (received[i], 0))) < len(draws):
                drawn.append((e["args"]["SourceFrameNumber"], draws[j][1]))
        found: dict[int, float] = {}
        numbers = [number for number, _ in drawn]
        for e in self.events:
            if e["name"] == "ActivateLayerTree":
                i = bisect.bisect_left(numbers, e["args"]["frameId"])
                if i < len(drawn):
                    found[e["args"]["frameId"]] = drawn[i][1]
        return found

    def frames(self, start: float, end: float) -> list[float]:
        """When a frame with something new was on the screen."""
        return sorted({at for at in self.shown.values() if start <= at <= end})

    def latencies(self) -> tuple[list[tuple[float, float]], int]:
        """When each input came and after how long what came of it was on the screen, and how many of them changed nothing there."""
        ends = [end for _, end, _ in self.main_frames]
        begun: dict[str, float] = {}
        presented: set[str] = set()
        found: list[tuple[float, float]] = []
        nothing = 0
        for e in self.events:
            key = json.dumps(e.get("id2") or e.get("id"))
            now = e.get("ts", 0) / 1000
            if e["name"] == "SwapEndToPresentationCompositorFrame":
                presented.add(key)
            elif e["name"] == "EventLatency" and e["ph"] == "b":
                begun[key] = now
                presented.discard(key)
            elif e["name"] == "EventLatency" and key in begun:
                start = begun.pop(key)
                # an input that the main thread has dealt with before its next frame is seen with that frame
                frame = bisect.bisect_left(ends, now)
                if key in presented:
                    found.append((start, now - start))
                elif frame < len(ends):
                    screen = self.shown.get(self.main_frames[frame][2])
                    if screen is None:
                        nothing += 1
                    else:
                        found.append((start, screen - start))
        return sorted(found), nothing

    def work(self, start: float, end: float) -> list[float]:
        """Milliseconds that the main thread worked from the beginning of each frame that was shown to the next one's.

        All of it, whether in the frame or between two, but not the time in which other programs had the processor.
        """
        thread = next((e["pid"], e["tid"]) for e in self.events if e["name"] == "ProxyMain::BeginMainFrame")
        frames = [
            begin for begin, _, number in self.main_frames if number in self.shown and start <= begin <= end
        ]
        found = [0.0] * max(0, len(frames) - 1)
        outermost = 0.0
        for e in self.events:
            if (e["pid"], e["tid"]) != thread or e["ph"] != "X" or "tdur" not in e or _start(e) < outermost:
                continue
            outermost = _end(e)
            frame = bisect.bisect_right(frames, _start(e)) - 1
            if 0 <= frame < len(found):
                found[frame] += e["tdur"] / 1000
        return sorted(found)
