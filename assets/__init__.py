"""When and where: the stages as Dagster assets. The only place that knows Dagster."""
