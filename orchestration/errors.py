"""The one exception that is meant for people.

Raise it wherever a user can do something about what went wrong: its text is one clear sentence that says what happened
and what to do. The command line prints it without a traceback and ends with exit code 1. Everything else that is
raised is a defect of ours. The text never holds an identifier, a name, a birth date or a password.
"""

#: What every command that reads the stars says before the first build.
NOT_BUILT = "The stars are not built yet: run `iass build` first."


class IassError(Exception):
    """What went wrong and what to do about it, in one sentence."""
