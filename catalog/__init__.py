"""The stores that runs and commands share: home, keys, warehouse, catalog. Knows nothing of Dagster."""
