"""When an evaluation task is due. Pure.

Counted by a member's claims in a project: each block of 1/rate claims holds exactly one, at a place in it that only the server can know.
Over any stretch of claims the share is therefore the rate, give or take two, and still nobody can tell which comes next.
"""

from __future__ import annotations

import hmac
import math
from fractions import Fraction


def is_due(key: bytes, member_id: int, project_id: str, turn: int, rate: float) -> bool:
    """Whether the claim with this number (from 0) is to be an evaluation task. `key`: the installation's secret; `rate` in 0..1."""
    exact = Fraction(str(rate)).limit_denominator(10_000)
    if exact <= 0:
        return False
    block = math.floor(turn * exact)
    first, after = math.ceil(block / exact), math.ceil((block + 1) / exact)
    drawn = hmac.digest(key, f"evaluation {member_id} {project_id} {block}".encode(), "sha256")
    return turn == first + int.from_bytes(drawn[:8]) % (after - first)
