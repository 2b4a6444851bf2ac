"""Camera models and projection (task-types-lidar §5). Heavy where arrays are involved: numpy loads inside.

Camera frame: +z along the optical axis, +x right in the image, +y down. Arrays are float64; points have shape (n, 3), pixels (n, 2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from steelyard.lidar.cuboid import EDGES, Cuboid
from steelyard.lidar.pose import IDENTITY, ORIGIN, Quaternion, Vector3

Array = Any
"""A numpy array; the library itself loads inside functions only."""

NEAR = 0.1
"""Units in front of the camera at which edges are clipped for drawing."""

EDGE_SAMPLES = 16

CHUNK = 16_384
"""Points projected at a time."""


class Distortion(Struct, frozen=True):
    """Coefficients by name; which ones count depends on the model (§5.2, §5.3)."""

    k1: float = 0.0
    k2: float = 0.0
    k3: float = 0.0
    k4: float = 0.0
    k5: float = 0.0
    k6: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    lx: float = 0.0
    ly: float = 0.0
    xi: float = 0.0
    s1: float = 0.0
    s2: float = 0.0
    s3: float = 0.0
    s4: float = 0.0
    dcx: float = 0.0
    dcy: float = 0.0


NO_DISTORTION = Distortion()

COEFFICIENTS: dict[str, tuple[str, ...]] = {
    "brown_conrady": ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6", "lx", "ly"),
    "fisheye": ("k1", "k2", "k3", "k4"),
    "mod_equi_fish": ("k1", "k2", "k3", "k4"),
    "mod_kannala": ("k1", "k2", "k3", "k4"),
    "omnidirectional": ("k1", "k2", "k3", "k4", "p1", "p2", "xi", "lx", "ly"),
    "fisheye_rad_tan_prism": ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2", "s1", "s2", "s3", "s4"),
    "fisheye_radial_custom": ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2", "dcx", "dcy"),
    "ftheta": ("k1", "k2", "k3", "k4", "k5"),
    "cylindrical": (),
    "equirectangular": (),
}
"""Order of a scene's positional `distortion.params` by model (§5.3)."""

FRAME_MODELS = ("brown_conrady", "fisheye", "cylindrical", "omnidirectional")
"""Models that a Frame may name."""


def distortion_of(model: str, params: Sequence[float]) -> Distortion:
    """A scene's positional coefficients by name; trailing ones may be missing. Raises ValueError for too many or an unknown model."""
    names = COEFFICIENTS.get(model)
    if names is None:
        raise ValueError(f'unsupported camera_model "{model}"')
    if len(params) > len(names):
        raise ValueError(f"{model} takes at most {len(names)} distortion params")
    return Distortion(**dict(zip(names, map(float, params), strict=False)))


class Camera(Struct, frozen=True, kw_only=True):
    """One camera: intrinsics in pixels of the original image, pose in the world.

    `scale_factor` is by how much the stored image was shrunk; `width` and `height` are those of the stored image, 0 unknown.
    """

    model: str = "brown_conrady"
    fx: float
    fy: float
    cx: float
    cy: float
    skew: float = 0.0
    distortion: Distortion = NO_DISTORTION
    scale_factor: float = 1.0
    position: Vector3 = ORIGIN
    heading: Quaternion = IDENTITY
    width: int = 0
    height: int = 0

    @property
    def projects(self) -> bool:
        """Whether the model has a projection here; images of the others are shown without one."""
        return self.model in _MODELS


def to_camera(camera: Camera, points: Array) -> Array:
    """World points (n, 3) in the camera's frame: `R(heading)ᵀ · (P − position)`."""
    import numpy as np

    rotation = np.asarray(camera.heading.normalised().matrix())
    return (np.asarray(points, dtype=np.float64) - np.asarray(camera.position.triple())) @ rotation


def project(camera: Camera, points: Array) -> tuple[Array, Array]:
    """World points (n, 3) → pixels of the stored image (n, 2), and which are visible (n,) bool. Raises ValueError without a projection."""
    return _in_chunks(camera, points, lambda chunk: to_camera(camera, chunk))


def project_camera(camera: Camera, points: Array) -> tuple[Array, Array]:
    """The same for points in the camera's frame. Pixels of points that are not visible are NaN or outside the image."""
    return _in_chunks(camera, points, lambda chunk: chunk)


def _in_chunks(camera: Camera, points: Array, place: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Chunks whose intermediate arrays stay in the processor's cache: twice as fast as all points at once."""
    import numpy as np

    model = _MODELS.get(camera.model)
    if model is None:
        raise ValueError(f"{camera.model} has no projection")
    given = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    pixels = np.empty((len(given), 2))
    visible = np.empty(len(given), dtype=np.bool_)
    scale = camera.scale_factor or 1.0
    for start in range(0, len(given), CHUNK):
        part = slice(start, start + CHUNK)
        x, y, z = np.ascontiguousarray(place(given[part]).T)
        with np.errstate(all="ignore"):
            xd, yd, ok = model(x, y, z, camera.distortion)
            u = (camera.fx * xd + camera.skew * yd + camera.cx) / scale
            v = (camera.fy * yd + camera.cy) / scale
            ok &= np.isfinite(u) & np.isfinite(v)
            if camera.width:
                ok &= (u >= 0) & (u < camera.width)
            if camera.height:
                ok &= (v >= 0) & (v < camera.height)
        pixels[part, 0], pixels[part, 1], visible[part] = u, v, ok
    return pixels, visible


def outline(camera: Camera, cuboid: Cuboid) -> list[tuple[float, float]]:
    """Pixels along the cuboid's edges that the model can show (§5.4), not yet clamped to the image; empty when there are none."""
    import numpy as np

    if not camera.projects:
        return []
    corners = to_camera(camera, cuboid.corners())
    starts, ends = (corners[[edge[side] for edge in EDGES]] for side in (0, 1))
    starts, ends = _clip_near(starts, ends) if camera.model not in _WIDE else (starts, ends)
    if not len(starts):
        return []
    t = np.linspace(0.0, 1.0, EDGE_SAMPLES)[None, :, None]
    samples = (starts[:, None, :] * (1 - t) + ends[:, None, :] * t).reshape(-1, 3)
    # Whether a sample lies in the image is no question here: the box is clamped, not its samples dropped.
    whole = replace(camera, width=0, height=0)
    pixels, ok = project_camera(whole, samples)
    return [(float(u), float(v)) for u, v in pixels[ok]]


def project_cuboid(camera: Camera, cuboid: Cuboid) -> tuple[float, float, float, float] | None:
    """(left, top, width, height) of a cuboid in pixels of the stored image, clamped to it; None where it cannot be seen."""
    found = outline(camera, cuboid)
    if not found:
        return None
    right = float(camera.width) if camera.width else math.inf
    bottom = float(camera.height) if camera.height else math.inf
    us, vs = [u for u, _ in found], [v for _, v in found]
    left, top = max(0.0, min(us)), max(0.0, min(vs))
    width, height = min(right, max(us)) - left, min(bottom, max(vs)) - top
    return (left, top, width, height) if width >= 1 and height >= 1 else None


def convex_hull(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Corners of the convex hull in order; fewer than three when the points have no area."""
    ordered = sorted(set(points))

    def half(given: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        chain: list[tuple[float, float]] = []
        for x, y in given:
            while len(chain) >= 2:
                (ax, ay), (bx, by) = chain[-2], chain[-1]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                chain.pop()
            chain.append((x, y))
        return chain[:-1]

    return ordered if len(ordered) < 3 else half(ordered) + half(ordered[::-1])


def _clip_near(starts: Array, ends: Array) -> tuple[Array, Array]:
    import numpy as np

    front = (starts[:, 2] >= NEAR) | (ends[:, 2] >= NEAR)
    a, b = starts[front], ends[front]
    if not len(a):
        return a, b
    depth = b[:, 2] - a[:, 2]
    t = np.where(depth == 0, 0.0, (NEAR - a[:, 2]) / np.where(depth == 0, 1.0, depth))[:, None]
    cut = a + t * (b - a)
    return np.where(a[:, 2:] < NEAR, cut, a), np.where(b[:, 2:] < NEAR, cut, b)


def _smallest_positive_root(coefficients: Sequence[float]) -> float:
    """Of a polynomial in ascending powers; infinity where there is none."""
    import numpy as np

    used = [float(c) for c in coefficients]
    while used and used[-1] == 0:
        used.pop()
    if len(used) < 2:
        return math.inf
    roots = np.roots(used[::-1])
    real = roots.real[(np.abs(roots.imag) <= 1e-9 * np.maximum(1.0, np.abs(roots))) & (roots.real > 0)]
    return float(real.min()) if len(real) else math.inf


def _brown_limit(d: Distortion) -> float:
    """The r² up to which the radial part grows (§5.2)."""
    import numpy as np

    if not (d.k4 or d.k5 or d.k6):
        return _smallest_positive_root((1.0, 3 * d.k1, 5 * d.k2, 7 * d.k3))
    polynomial = np.polynomial.Polynomial
    n, q = polynomial([1.0, d.k1, d.k2, d.k3]), polynomial([1.0, d.k4, d.k5, d.k6])
    rising = n * q + polynomial([0.0, 2.0]) * (n.deriv() * q - n * q.deriv())
    return min(_smallest_positive_root(list(rising.coef)), _smallest_positive_root(list(q.coef)))


def _brown(x: Array, y: Array, d: Distortion) -> tuple[Array, Array, Array]:
    r2 = x * x + y * y
    radial = 1.0 + r2 * (d.k1 + r2 * (d.k2 + r2 * d.k3))
    if d.k4 or d.k5 or d.k6:
        radial = radial / (1.0 + r2 * (d.k4 + r2 * (d.k5 + r2 * d.k6)))
    limit = _brown_limit(d)
    if d.lx or d.ly:
        x, y = x + d.lx, y + d.ly
    xd, yd = x * radial, y * radial
    if d.p1 or d.p2:
        xy = x * y
        xd = xd + 2 * d.p1 * xy + d.p2 * (r2 + 2 * x * x)
        yd = yd + d.p1 * (r2 + 2 * y * y) + 2 * d.p2 * xy
    return xd, yd, r2 < limit


def _brown_conrady(x: Array, y: Array, z: Array, d: Distortion) -> tuple[Array, Array, Array]:
    xd, yd, ok = _brown(x / z, y / z, d)
    return xd, yd, ok & (z > 0)


def _omnidirectional(x: Array, y: Array, z: Array, d: Distortion) -> tuple[Array, Array, Array]:
    import numpy as np

    depth = z + d.xi * np.sqrt(x * x + y * y + z * z)
    flat = Distortion(k1=d.k1, k2=d.k2, k3=d.k3, p1=d.p1, p2=d.p2, lx=d.lx, ly=d.ly)
    xd, yd, ok = _brown(x / depth, y / depth, flat)
    return xd, yd, ok & (depth > 0)


def _along(x: Array, y: Array, rho: Array, length: Array) -> tuple[Array, Array]:
    """`length` in the direction (x, y); (0, 0) on the axis, where the direction is undefined."""
    import numpy as np

    factor = np.where(rho > 0, length / np.where(rho > 0, rho, 1.0), 0.0)
    return x * factor, y * factor


def _fisheye(x: Array, y: Array, z: Array, d: Distortion) -> tuple[Array, Array, Array]:
    import numpy as np

    rho = np.hypot(x, y)
    theta = np.arctan2(rho, z)
    t = theta * theta
    bent = theta * (1.0 + t * (d.k1 + t * (d.k2 + t * (d.k3 + t * d.k4))))
    limit = _smallest_positive_root((1.0, 3 * d.k1, 5 * d.k2, 7 * d.k3, 9 * d.k4))
    xd, yd = _along(x, y, rho, bent)
    return xd, yd, (t < limit) & ((rho > 0) | (z > 0))


def _cylindrical(x: Array, y: Array, z: Array, d: Distortion) -> tuple[Array, Array, Array]:
    import numpy as np

    radius = np.hypot(x, z)
    return np.arctan2(x, z), y / radius, radius > 0


def _equirectangular(x: Array, y: Array, z: Array, d: Distortion) -> tuple[Array, Array, Array]:
    import numpy as np

    norm = np.sqrt(x * x + y * y + z * z)
    return np.arctan2(x, z), np.arcsin(y / norm), norm > 0


def _mod_equi_fish(x: Array, y: Array, z: Array, d: Distortion) -> tuple[Array, Array, Array]:
    import numpy as np

    rho = np.hypot(x, y)
    theta = np.arctan2(rho, z)
    t2 = theta * theta
    bent = theta * (1.0 + d.k2 * t2 + d.k3 * t2 * theta + d.k4 * t2 * t2)
    xd, yd = _along(x, y, rho, bent)
    limit = _smallest_positive_root((1.0, 0.0, 3 * d.k2, 4 * d.k3, 5 * d.k4))
    return xd, yd, (theta < limit) & (z > 0)


def _mod_kannala(x: Array, y: Array, z: Array, d: Distortion) -> tuple[Array, Array, Array]:
    import numpy as np

    rho = np.hypot(x, y)
    phi = np.arctan(np.arctan2(rho, z))
    t = phi * phi
    r = phi * (1.0 + t * (d.k1 + t * (d.k2 + t * (d.k3 + t * d.k4))))
    xd, yd = _along(x, y, rho, np.tan(r))
    return xd, yd, z > 0


def _fisheye_rad_tan_prism(x: Array, y: Array, z: Array, d: Distortion) -> tuple[Array, Array, Array]:
    import numpy as np

    rho = np.hypot(x, y)
    theta = np.arctan2(rho, z)
    t = theta * theta
    bent = theta * (1.0 + t * (d.k1 + t * (d.k2 + t * (d.k3 + t * (d.k4 + t * (d.k5 + t * d.k6))))))
    a, b = _along(x, y, rho, bent)
    q = a * a + b * b
    lean = 2 * (d.p1 * a + d.p2 * b)
    xd = a + a * lean + d.p1 * q + d.s1 * q + d.s2 * q * q
    yd = b + b * lean + d.p2 * q + d.s3 * q + d.s4 * q * q
    return xd, yd, z > 0


_Model = Callable[[Array, Array, Array, Distortion], tuple[Array, Array, Array]]

_MODELS: dict[str, _Model] = {
    "brown_conrady": _brown_conrady,
    "fisheye": _fisheye,
    "omnidirectional": _omnidirectional,
    "cylindrical": _cylindrical,
    "equirectangular": _equirectangular,
    "mod_equi_fish": _mod_equi_fish,
    "mod_kannala": _mod_kannala,
    "fisheye_rad_tan_prism": _fisheye_rad_tan_prism,
}

_WIDE = frozenset({"fisheye", "omnidirectional", "cylindrical", "equirectangular"})
"""Models that see what is beside or behind the image plane: their edges are not clipped at it."""
