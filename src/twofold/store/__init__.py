"""What Twofold remembers, in SQLite or PostgreSQL; it must never talk to the systems it synchronizes."""
