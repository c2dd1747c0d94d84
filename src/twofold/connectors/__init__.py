"""Talk to other systems: one package or module a connector, strangers to the engine and to one another."""
