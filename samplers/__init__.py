"""Schedules and windows."""
