"""Evaluation: scores, baselines, calibration and plots."""
