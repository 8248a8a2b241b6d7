"""A simulated triage assistant for rural clinics; not for patient care."""

__version__ = "0.1.0"
