"""The adversarial train step and its parts."""
