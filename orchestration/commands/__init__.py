"""Sub-commands of `iass`, one module per group, registered in `orchestration.cli`.

Arguments in, one call of the owning module, its answer on the screen or as JSON. No work is done here, and nothing
heavy is imported before a command needs it.
"""
