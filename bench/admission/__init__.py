"""How long a start waits for its decision, with thousands of leases out and a long ledger."""
