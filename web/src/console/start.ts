/** A key that was made just now, for the lines that are shown to begin with. Never stored: it is gone with the page. */

import { create } from "zustand";

export const useFreshKey = create<{ readonly key: string | null }>(() => ({ key: null }));

export function keepFreshKey(key: string): void {
  useFreshKey.setState({ key });
}

/** The lines that send a first task to this very address with the official client. */
export const firstTask = (origin: string, key: string): string => `# pip install scaleapi
import scaleapi
from scaleapi.tasks import TaskType

client = scaleapi.ScaleClient(
    "${key}",
    api_instance_url="${origin}/v1",
)

client.create_project("first-project", TaskType.ImageAnnotation, params={
    "geometries": {"box": {"objects_to_annotate": ["cat", "dog"]}},
})
task = client.create_task(
    TaskType.ImageAnnotation,
    project="first-project",
    instruction="Draw a box around every animal.",
    attachment="https://example.com/photo.jpg",
    unique_id="photo-1",
)
print(task.id, task.status)`;
