"""What if: a day of a whole company in seconds, under rules that are not in force yet.

A discrete-event simulation with a clock of its own. It has no rules of its own: `profiles.resolve`, `admission.decide`,
`turns` (the line, reservations, what is lent), `LeaseBook` and `cost` are the ones that the hub runs on. Pure, but for
`command`, which reads files and writes reports.

people (`invented`, or `history` from a ledger; what they reserve: also `bookings_csv`) ─ visits ─> `day` (`agenda`,
`books`, `ahead`, `reserving`, `room`, `spending`) ─ Outcome ─> `figures` ─> table, `report`, `charts`.    `replay` asks
the other question: whom of last month's starts a policy had refused.
"""
