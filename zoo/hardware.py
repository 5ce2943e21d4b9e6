"""The machine that a model runs on, and the versions of what it runs with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

import keras

PACKAGES = ("keras", "tensorflow", "jax", "numpy")


def count_cores() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def device() -> str:
    """Returns a description of the device that Keras computes on.

    For example `"CPU (AMD EPYC, 2 cores)"`.
    """
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((x.split(":")[1] for x in lines if "model name" in x), name).strip()
    cpu = f"{name}, {count_cores()} cores"
    others = ", ".join(sorted(set(_accelerators())))
    return f"{others} ({cpu})" if others else f"CPU ({cpu})"


def _accelerators() -> list[str]:
    """Returns the model name of every device other than the CPU."""
    if keras.backend.backend() == "jax":
        import jax

        return [d.device_kind for d in jax.devices() if d.platform != "cpu"]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        details = tf.config.experimental.get_device_details
        found = [d for d in tf.config.list_physical_devices() if d.device_type != "CPU"]
        return [details(d).get("device_name", d.device_type) for d in found]
    return []


def versions() -> dict[str, str]:
    """Returns the versions that a result depends on."""
    found = {"python": platform.python_version(), "backend": keras.backend.backend()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
