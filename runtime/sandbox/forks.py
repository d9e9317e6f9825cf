"""Locks that a fork of the process can go on using."""

from __future__ import annotations

import os
import threading


def fork_safe_lock() -> threading.Lock:
    """A lock that no other thread holds at the moment of a fork, so that the fork finds it free."""
    lock = threading.Lock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
        )
    return lock
