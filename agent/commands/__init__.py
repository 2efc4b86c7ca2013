"""The small verbs: each a module with `add_arguments(parser)` and `run(arguments) -> exit code`."""
