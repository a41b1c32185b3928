"""Faults put in on purpose: damaged files, killed runs, full disks."""
