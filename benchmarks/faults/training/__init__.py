"""Faults of training: signals, full disks, damaged checkpoints, several processes, many steps."""
