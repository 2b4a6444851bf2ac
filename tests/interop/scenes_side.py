"""Runs in the environment that has scale-sensor-fusion-io: what the published library finds in our scenes, and its own writing of them.

Its import wants the native TurboJPEG, which only its video reader uses and no package brings along; a module without it stands in.
"""

# pyright: basic
import json
import sys
import types
from pathlib import Path

_jpeg = types.ModuleType("turbojpeg")
_jpeg.TurboJPEG = lambda *_, **__: None
_jpeg.TJPF_RGB = 0
sys.modules["turbojpeg"] = _jpeg

import numpy as np  # noqa: E402
from scale_json_binary import JSONBinaryEncoder  # noqa: E402
from scale_sensor_fusion_io.loaders import SFSLoader  # noqa: E402
from scale_sensor_fusion_io.model_converters import from_scene_spec_sfs  # noqa: E402
from scale_sensor_fusion_io.utils.camera_helpers import global_to_local, project_distort  # noqa: E402
from scale_sensor_fusion_io.validation import parse_and_validate_scene  # noqa: E402

encoder = JSONBinaryEncoder()


def sensors(scene, times, points):
    """Numbers of each sensor: points of its frames, poses at the times, pixels of the points."""
    found = []
    for sensor in scene.sensors:
        one = {"id": sensor.id}
        if getattr(sensor, "poses", None) is not None:
            one["poses"] = sensor.poses.interpolate(times).values.tolist()
        if sensor.type.value == "lidar":
            one["positions"] = [f.points.positions.tolist() for f in sensor.frames]
        if sensor.type.value == "camera":
            one["content"] = [np.asarray(i.content).tolist() for i in sensor.images]
            local = global_to_local(np.array(points), sensor.poses.values[0])
            u, v, ok = project_distort(local, sensor.intrinsics)
            one["pixels"] = [
                [float(a), float(b)] if good else None for a, b, good in zip(u, v, ok, strict=True)
            ]
        found.append(one)
    return found


def cuboids(scene):
    """Position, axes times half the dimensions, and times of every cuboid."""
    found = {}
    for annotation in scene.annotations or []:
        if annotation.type.value == "cuboid":
            path = annotation.path
            found[str(annotation.id)] = {
                "times": [int(t) for t in path.index],
                "matrices": path.as_matrix().tolist(),
            }
    return found


def main(folder: Path) -> None:
    """Look at every scene of the folder and write `<name>.json` and `<name>.theirs.sfs` beside it."""
    ask = json.loads((folder / "ask.json").read_text())
    for name in ask["scenes"]:
        data = (folder / f"{name}.sfs").read_bytes()
        answer = {}
        raw = encoder.loads(data)
        (folder / f"{name}.theirs.sfs").write_bytes(encoder.dumps(encoder.loads(data)))
        try:
            result = parse_and_validate_scene(raw)
            answer["problems"] = (
                [] if result.success else [{"path": d.path, "errors": d.errors} for d in result.details]
            )
        except Exception as error:
            answer["problems"] = [{"path": [], "errors": [f"{type(error).__name__}: {error}"]}]
        if name in ask["whole"]:
            spec = SFSLoader.load_from_bytes(data)
            answer["annotations"] = sorted(
                {a.type.value if hasattr(a.type, "value") else a.type for a in spec.annotations or []}
            )
            scene = from_scene_spec_sfs(spec)
            answer["sensors"] = sensors(scene, ask["times"], ask["points"])
            answer["cuboids"] = cuboids(scene)
        (folder / f"{name}.json").write_text(json.dumps(answer, default=str))


main(Path(sys.argv[1]))
