"""A stand-in for GitLab: the part of it that runners, their operators and their jobs talk to."""
