"""The message log: segments of batches of records, written once and read when somebody must.

`docs/log-format.md` has the octets, `docs/durability.md` what they promise.
"""
