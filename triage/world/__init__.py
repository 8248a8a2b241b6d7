"""Synthetic clinics and patients, and the exact posteriors of that world."""
