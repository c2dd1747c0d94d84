"""The verbs, and the only place that wires engine, connectors and store together."""
