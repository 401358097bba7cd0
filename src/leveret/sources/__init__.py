"""Where settings come from: files of two formats, and variables of the environment."""
