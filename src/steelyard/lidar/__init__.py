"""Lidar as pure functions: poses, cuboids, cameras, frames, scenes, tracks (task-types-lidar). Bytes in, structs out; no input or output.

Everything is in one world frame unless a name says otherwise: right-handed, z up, +x east, +y north; units as the customer sends them.
numpy loads inside the functions that need it.
"""
