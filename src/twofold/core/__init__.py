"""The pure core: what to do, decided from values alone; it must never touch a clock, chance, log, file or network."""
