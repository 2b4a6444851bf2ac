"""`make bench`: what the installation can do, as ratios to bare parts measured in the same run. Nothing here asserts a time."""
