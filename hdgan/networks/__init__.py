"""The networks: functional graphs inside classes."""
