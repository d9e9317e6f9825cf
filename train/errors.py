"""Errors of training that a person sees: one clear line, exit code 2, like runtime/errors.py."""

from __future__ import annotations

from runtime.errors import SodError


class ConfigError(SodError):
    """A setting that does not exist or makes no sense, or a configuration file that is not one."""


class DataError(SodError):
    """A dataset that cannot be had, read or used."""


class TrainingError(SodError):
    """A run that cannot start or go on: models that do not fit, a dead sandbox, a full disk."""
