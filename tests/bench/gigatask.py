"""`python -m tests.bench.gigatask [SIDE]`: a task with a picture of nearly a gigapixel, from the upload through a real worker to the tiles in a labeler's hands.

Prints how long the worker took and the most memory that it and the process that cuts the tiles have had, then opens the task as the
workbench does and fetches tiles of every level. The picture is made here and takes 400 MB of the temporary folder with its tiles.
"""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from steelyard.db.embedded import with_embedded
from steelyard.ops.supervisor import Child
from steelyard.settings import Settings
from tests.bench.gigapixel import SIDE, make_picture
from tests.bench.stack import first_account, new_database, steelyard_servers

_LIMIT_S = 900


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for parent in found:
        for child in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(n) for n in child.read_text().split()]
    return found


def _most_mib(pids: list[int]) -> dict[int, float]:
    """The most memory that each has had resident, MiB."""
    most: dict[int, float] = {}
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        most[pid] = next((int(x.split()[1]) / 1024 for x in text.splitlines() if x.startswith("VmHWM")), 0.0)
    return most


async def _upload(http: httpx.AsyncClient, path: Path) -> str:
    head = {"Tus-Resumable": "1.0.0"}
    made = await http.post("/api/uploads", headers={**head, "Upload-Length": str(path.stat().st_size)})
    made.raise_for_status()
    where = httpx.URL(made.headers["Location"]).path
    piece = {**head, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    (await http.patch(where, content=path.read_bytes(), headers=piece)).raise_for_status()
    return (await http.get(where)).json()["attachment_url"]


async def _open(http: httpx.AsyncClient) -> Any:
    """What the workbench is given of the task, once it is offered and its tiles are there."""
    lease: Any = None
    while True:
        if lease is None:
            offered = (await http.post("/api/work/claim", json={})).raise_for_status().json()
            lease = offered if offered.get("lease_token") else None
        else:
            lease = (await http.get(f"/api/work/{lease['lease_token']}")).raise_for_status().json()
        if lease is not None and "template" in str(lease["media"]):
            return lease["media"][0]
        await asyncio.sleep(0.5)


async def _look(http: httpx.AsyncClient, media: Any) -> int:
    """Fetches the four corner tiles of each level; how many there were, all of them pictures."""
    tiles, longest = media["derived"]["tiles"], max(media["width"], media["height"])
    seen = 0
    for z in range(tiles["max_zoom"] + 1):
        last = -(-longest // 2 ** (tiles["max_zoom"] - z) // tiles["tile_size"]) - 1
        for x, y in {(0, 0), (last, 0), (0, last), (last, last)}:
            name = tiles["template"].replace("{z}", str(z)).replace("{x}", str(x)).replace("{y}", str(y))
            answer = await http.get(name)
            answer.raise_for_status()
            Image.open(io.BytesIO(answer.content)).load()
            seen += 1
    return seen


async def _measure(root: Path, dsn: str, side: int) -> None:
    picture = root / "picture.tif"
    await asyncio.to_thread(make_picture, picture, side)
    database, folder = await new_database(dsn, "bench_gigatask"), root / "data"
    folder.mkdir()
    key = await first_account(database, folder)
    settings = Settings(
        data_dir=folder, database_url=database, max_image_side=side, drain_seconds=1, log_level="error"
    )
    worker = Child("worker", ["worker"], settings.to_env())
    async with steelyard_servers(database, folder, key) as servers:
        base = f"http://127.0.0.1:{servers.target.port}"
        async with httpx.AsyncClient(base_url=base, auth=(key, ""), timeout=120) as http:
            address = await _upload(http, picture)
            body = {
                "instruction": "Box every cow.",
                "attachment": address,
                "geometries": {"box": {"objects_to_annotate": ["cow"]}},
            }
            made = await http.post("/v1/task/imageannotation", json=body)
            made.raise_for_status()
            worker.start()
            try:
                assert worker.pid is not None
                began, most = time.perf_counter(), dict[int, float]()
                opening = asyncio.create_task(_open(http))
                async with asyncio.timeout(_LIMIT_S):
                    while not opening.done():
                        most |= _most_mib(_family(worker.pid))
                        await asyncio.sleep(0.2)
                media = await opening
                took = time.perf_counter() - began
                own = most.pop(worker.pid)
                began = time.perf_counter()
                seen = await _look(http, media)
                looked = time.perf_counter() - began
            finally:
                worker.signal(15)
                while worker.ended() is None:
                    await asyncio.sleep(0.05)
    print(
        f"{side} × {side}, {picture.stat().st_size / 1e6:,.0f} MB: checked, cut and offered by a worker in {took:.0f} s; memory of the worker at"
        f" most {own:.0f} MiB, of a process that it cut in {max(most.values()):.0f} MiB; {seen} tiles of {media['derived']['tiles']['max_zoom'] + 1}"
        f" levels by the links of the leased work, {looked / seen * 1000:.0f} ms each",
        flush=True,
    )


async def main() -> None:
    """Makes the picture, the installation and the task."""
    side = int(sys.argv[1]) if len(sys.argv) > 1 else SIDE
    with tempfile.TemporaryDirectory(prefix="steelyard-gigatask-") as name:
        root = Path(name)
        root.chmod(0o755)  # as root, PostgreSQL runs as another user
        async with with_embedded(root / "database") as dsn:
            await _measure(root, dsn, side)


if __name__ == "__main__":
    asyncio.run(main())
