"""The one exception a user is meant to read: what is wrong, where, and what to do about it."""


class UserError(Exception):
    """A mistake of the user's or of their machine's; the command line prints it as one line and exits with 2.

    `where` names a file, a field or a row; `what` says what was found and what was expected; `todo` what to do.
    """

    def __init__(self, where: object, what: str, todo: str = ""):
        self.where, self.what, self.todo = str(where), what, todo
        super().__init__(f"{self.where}: {what}" + (f"; {todo}" if todo else ""))

    def __reduce__(self):  # Ray and multiprocessing send errors between processes
        return (type(self), (self.where, self.what, self.todo))


class ConfigurationError(UserError):
    """One or several mistakes in the configuration, a line each."""

    def __init__(self, lines: list[str]):
        self.lines = lines
        Exception.__init__(self, "\n".join(lines))

    def __reduce__(self):
        return (type(self), (self.lines,))


class SystemFault(UserError):
    """The system did not let a file be read: the file itself may be whole. Nobody is told to delete it.

    Raised by `bevatron.system_errors`. Who takes another way where a file is damaged must not take it here.
    """
