"""The model: vhosts, exchanges, queues, bindings. Synchronous, deterministic, without I/O."""
