"""Which way a head points: six keypoints seen as a rigid head. Pure functions.

A face detector gives six keypoints (eyes, nose tip, mouth, ears). Fitting them to an average head (`HEAD`) with a
pinhole camera gives the way the face points.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
"""Six keypoints, 6x2, in pixels, in the order of `HEAD`."""

HEAD = np.array(
    [
        (-3.2, 2.66, 3.2),  # the person's right eye, left in the picture
        (3.2, 2.66, 3.2),
        (0.0, -1.13, 7.48),  # nose tip
        (0.0, -4.3, 5.0),  # mouth
        (-7.6, 1.2, -3.0),  # right ear
        (7.6, 1.2, -3.0),
    ]
) * [1.0, -1.0, -1.0]
"""The keypoints on an average head, centimetres, from MediaPipe's canonical face model (x right, y up, z towards
the camera), turned into OpenCV's camera frame (y down, z away)."""
EYES, MOUTH = (0, 1), 3
"""Their places among the keypoints."""
FORWARD = np.array([0.0, 0.0, -1.0])
"""Where this head looks when it looks at the camera."""


def head_pose(points: Points, width: int, height: int) -> tuple[float, float] | None:
    """Yaw and pitch in degrees from the six keypoints (6x2, pixels) in a picture of this size, or None.

    The camera's focal length is taken to be the picture's width (a field of view of 53 degrees), which is near
    enough for every laptop webcam: the sign and the order of the angles do not depend on it.
    """
    camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], np.float64)
    try:
        solved, rotation, _ = cv2.solvePnP(HEAD, points, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    except cv2.error:  # keypoints on one spot, or not finite
        return None
    if not solved or not np.isfinite(rotation).all():
        return None
    x, y, z = cv2.Rodrigues(rotation)[0] @ FORWARD
    yaw, pitch = math.degrees(math.atan2(x, -z)), math.degrees(math.asin(max(-1.0, min(1.0, -y))))
    return yaw, pitch
