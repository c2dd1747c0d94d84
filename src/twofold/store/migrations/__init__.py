"""How the state database got its shape, by `makemigrations`; it must never be edited once released."""
