"""The conformance kit: published vectors of other people, run against the forms of `pipelines.identifiers`."""
