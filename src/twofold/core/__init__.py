"""The pure core: decides from values alone; it must never touch a clock, chance, log, file or network."""
