"""A task from upload to audit with the official client: three photographs, a batch, one piece of work done, its callback.

    pip install scaleapi
    python examples/first_task.py http://127.0.0.1:8000 live_…

The address and the live key are those that Steelyard prints when it starts for the first time. The callback comes to this
program, so the server must be allowed to reach private addresses: start it with STEELYARD_ALLOW_NETWORKS=127.0.0.0/8.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from urllib.parse import urlsplit

import requests
from scaleapi import ScaleClient, TaskType
from scaleapi.exceptions import ScaleResourceNotFound, ScaleUnauthorized

PHOTOS = Path(__file__).parent / "photos"
PROJECT = "photographs"
WAIT_S = 20


def main(address: str, key: str) -> int:
    """The whole story; 0 when every part of it happened."""
    address = address.rstrip("/")
    client = ScaleClient(key, api_instance_url=f"{address}/v1")
    true_boxes: dict[str, list[dict[str, Any]]] = json.loads((PHOTOS / "boxes.json").read_text())
    labels = sorted({box["label"] for boxes in true_boxes.values() for box in boxes})

    callbacks: Queue[dict[str, Any]] = Queue()
    receiver = receive(callbacks, own_address(address))
    print(f"1. Waiting for callbacks at {receiver}")

    try:
        project = client.get_project(PROJECT)
    except ScaleResourceNotFound:
        params = {
            "instruction": "Draw a tight box around each object.",
            "geometries": {"box": {"objects_to_annotate": labels, "min_width": 5, "min_height": 5}},
        }
        project = client.create_project(PROJECT, TaskType.ImageAnnotation, params=params, rapid=True)
    print(f"2. Project “{project.name}”: boxes for {', '.join(labels)}")

    batch = client.create_batch(
        PROJECT, f"photographs {datetime.now().isoformat(timespec='milliseconds')}", callback=receiver
    )
    print(f"3. Batch “{batch.name}” is {batch.status}: tasks may be added, nobody works on them yet")

    tasks: dict[str, str] = {}
    for name in true_boxes:
        with (PHOTOS / name).open("rb") as photo:
            file = client.upload_file(photo, project_name=PROJECT, display_name=name)
        task = client.create_task(
            TaskType.ImageAnnotation,
            batch=batch.name,
            attachment=file.attachment_url,
            attachment_type="image",
            callback_url=receiver,
            unique_id=f"{batch.name}/{name}",
            metadata={"file": name},
        )
        tasks[name] = task.id
        print(f"4. Uploaded {name} as {file.attachment_url}; task {task.id} is {task.status}")

    batch.finalize()
    print(f"5. Finalized: the batch is {batch.status}, its {batch.get_status()['pending']} tasks are offered")

    name, task_id = next(iter(tasks.items()))
    answer = {"annotations": [{"type": "box", **box} for box in true_boxes[name]]}
    do_the_work(address, key, task_id, answer)
    print(
        f"6. Claimed the task of {name} and submitted {len(answer['annotations'])} boxes, as a contributor would"
    )

    try:
        callback = callbacks.get(timeout=WAIT_S)
    except Empty:
        print(
            f"7. No callback came within {WAIT_S} seconds. Does the worker run, and may the server reach {receiver}?\n"
            "   Private addresses are refused unless it is started with STEELYARD_ALLOW_NETWORKS=127.0.0.0/8 (or the\n"
            "   network of this machine); `steelyard doctor` names callbacks that were refused."
        )
        return 1
    print(f"7. The callback for task {callback['task_id']} came: it is {callback['status']}")

    task = client.get_task(task_id)
    found = [f"{box['label']} at ({box['left']:g}, {box['top']:g})" for box in task.response["annotations"]]
    print(f"8. The result, fetched: {'; '.join(found)}")

    task.audit(accepted=True, comments="Tight boxes, all objects found.")
    audited = callbacks.get(timeout=WAIT_S)["task"]
    print(
        f"9. Audited: the review status is {audited['customer_review_status']}, and a second callback said so"
    )

    left = client.batch_status(batch.name)
    print(f"The batch now counts {left['completed']} completed and {left['pending']} pending tasks.")
    return 0


def do_the_work(address: str, key: str, task_id: str, answer: dict[str, Any]) -> None:
    """What a contributor does: claim the task under a lease, submit the answer."""
    until = time.monotonic() + WAIT_S
    while True:
        claimed = requests.post(
            f"{address}/api/work/claim", json={"task_id": task_id}, auth=(key, ""), timeout=10
        )
        claimed.raise_for_status()
        lease = claimed.json()["lease_token"]
        if lease:
            break
        if time.monotonic() > until:
            raise SystemExit(
                "The task is not offered. Is a worker running, which looks at attachments first?"
            )
        time.sleep(0.2)
    done = requests.post(
        f"{address}/api/work/{lease}/submit",
        json={"response": answer, "active_seconds": 30},
        auth=(key, ""),
        timeout=10,
    )
    done.raise_for_status()


def own_address(server: str) -> str:
    """The address of this machine that the server can reach: the one from which we reach the server."""
    parts = urlsplit(server)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    with socket.create_connection((parts.hostname or "", port), timeout=10) as connection:
        return connection.getsockname()[0]


def receive(callbacks: Queue[dict[str, Any]], host: str) -> str:
    """Starts a server that puts each callback's body into the queue; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            callbacks.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer((host, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://{host}:{server.server_port}/callback"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    try:
        sys.exit(main(sys.argv[1], sys.argv[2]))
    except ScaleUnauthorized:
        raise SystemExit(f"The server at {sys.argv[1]} does not know this key.") from None
    except OSError as error:
        raise SystemExit(f"The server at {sys.argv[1]} does not answer: {error}") from None
