"""The part of the FiftyOne check that runs where `fiftyone` is installed, without its database.

    python fiftyone_side.py FOLDER

reads `FOLDER/tasks.json`, a list of `{id, media, width, height, fps, frames}`, and for each `FOLDER/<id>/task.json`: a task as our API
returns it, in a list. FiftyOne imports it and exports what it has understood. `FOLDER/<id>/labels.json` says what that was (or
`{"error": …}`), `mask.npy` holds the pixels of a segmentation, `export.json` the export; videos are exported in both forms.

FiftyOne's `Sample` and label classes are its own; only the collection that holds them, which would be in MongoDB, is stood in for.
"""

import json
import os
import sys
import warnings
from collections import defaultdict
from pathlib import Path

os.environ["FIFTYONE_DISABLE_SERVICES"] = "1"
os.environ["FIFTYONE_DO_NOT_TRACK"] = "true"

import fiftyone as fo
import fiftyone.core.collections as collections
import fiftyone.utils.scale as scale
import numpy as np


class OneSample(collections.SampleCollection):
    """A collection of one sample in memory, as far as the importer and the exporter look at it."""

    def __init__(self, sample, name):
        self.sample = sample
        self.name_ = name

    @property
    def media_type(self):
        return self.sample.media_type

    def values(self, fields):
        assert fields == ["scale_id", "id"], fields
        return [[self.name_], [self.name_]]

    def __getitem__(self, key):
        assert key == self.name_
        return self.sample

    def compute_metadata(self):
        assert self.sample.metadata is not None

    def iter_samples(self, progress=None):
        yield Exported(self.sample, self.name_)


OneSample.__abstractmethods__ = frozenset()


class Fields(dict):
    """Fields of a sample or frame; those that it lacks are None, as in a data set whose other members have them."""

    def __missing__(self, key):
        return None


class Exported:
    """A sample that has an id, which otherwise the database gives."""

    def __init__(self, sample, name):
        self.id = name
        self.filepath = sample.filepath
        self.metadata = sample.metadata
        self.fields = labels_of(sample)
        if sample.media_type == "video":
            self.frames = {number: Fields(labels_of(frame)) for number, frame in sample.frames.items()}

    def __getitem__(self, key):
        return self.fields[key]


class NoSaving:
    """In place of the context that writes to the database."""

    def __init__(self, collection):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass

    def save(self, sample):
        pass


def labels_of(document):
    return {name: document[name] for name in document.field_names if isinstance(document[name], fo.Label)}


def plain(label, folder):
    """A label as JSON-able values, without what FiftyOne adds by itself."""
    if isinstance(label, fo.Segmentation):
        np.save(folder / "mask.npy", label.mask)
        return {"mask": list(label.mask.shape), "label_map": getattr(label, "label_map", None)}
    for name in ("detections", "polylines", "keypoints", "classifications"):
        if name in label.field_names:
            return [plain(item, folder) for item in label[name]]
    known = ("bounding_box", "points", "closed", "filled", "index")
    found = {"label": label.label, "attributes": dict(label.iter_attributes())}
    return found | {key: label[key] for key in known if key in label.field_names and label[key] is not None}


def sample_of(task):
    if task["media"] == "image":
        metadata = fo.ImageMetadata(width=task["width"], height=task["height"])
        return fo.Sample(filepath="/media/a.png", metadata=metadata)
    metadata = fo.VideoMetadata(
        frame_width=task["width"],
        frame_height=task["height"],
        frame_rate=task["fps"],
        total_frame_count=task["frames"],
    )
    return fo.Sample(filepath="/media/a.mp4", metadata=metadata)


def export(collection, folder):
    sample = collection.sample
    if sample.media_type == "image":
        fields = {name: name for name in labels_of(sample)}
        scale.export_to_scale(collection, str(folder / "export.json"), label_field=fields)
        return
    fields = {name: name for frame in sample.frames.values() for name in labels_of(frame)}
    for form, playback in (("frames", False), ("tracks", True)):
        scale.export_to_scale(
            collection,
            str(folder / f"export-{form}.json"),
            video_labels_dir=str(folder / form),
            video_events_dir=str(folder / f"{form}-events"),
            video_playback=playback,
            frame_labels_field=fields,
        )


def frame_numbers(own, metadata):
    """The source frames that FiftyOne takes to be annotated, None where it cannot tell."""
    task = json.loads((own / "task.json").read_text())[0]["task"]
    numbers = scale._get_frame_numbers(task, metadata)
    return None if numbers is None else list(numbers)


def main(folder):
    scale.foc.SaveContext = NoSaving
    for task in json.loads((folder / "tasks.json").read_text()):
        own = folder / task["id"]
        collection = OneSample(sample_of(task), task["id"])
        result = defaultdict(dict)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if task["media"] == "video":
                result["numbers"] = frame_numbers(own, collection.sample.metadata)
            try:
                scale.import_from_scale(collection, str(own / "task.json"), progress=False)
                result["labels"] = {k: plain(v, own) for k, v in labels_of(collection.sample).items()}
                if task["media"] == "video":
                    for number, frame in collection.sample.frames.items():
                        result["frames"][number] = {k: plain(v, own) for k, v in labels_of(frame).items()}
                export(collection, own)
            except Exception as error:  # what FiftyOne makes of an answer is the finding
                result["error"] = f"{type(error).__name__}: {error}"
        result["ignored"] = sorted({str(w.message) for w in caught if "unsupported" in str(w.message)})
        (own / "labels.json").write_text(json.dumps(result))
    print(f"fiftyone {fo.__version__}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
