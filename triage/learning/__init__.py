"""Estimators with the scikit-learn contract, calibration, thresholds, export."""
