"""`leveret ctl VERB`: rabbitmqctl's verbs, spoken to a running broker over its HTTP API.

Spelling, options, columns, exit codes and standard output are those of rabbitmqctl 3.10.8. Nothing
here imports the broker: a verb must answer faster than the broker's modules load.
"""
