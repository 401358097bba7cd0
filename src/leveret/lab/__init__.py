"""The lab: the worker that students adapt, its supervisor, and a demonstration of it all."""
