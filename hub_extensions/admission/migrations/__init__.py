"""How the tables came to be, step by step. `Database.migrate` applies it in one transaction before anything is read."""
