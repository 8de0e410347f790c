"""The one exception a user is meant to read: what is wrong, where, and what to do about it."""

# A file's name may have a line break, or signs that steer a terminal.
CONTROL = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}


class UserError(Exception):
    """A mistake of the user's or of their machine's; the command line prints it as one line and exits with 2.

    `where` names a file, a field or a row; `what` says what was found and what was expected; `todo` what to do.
    """

    def __init__(self, where: object, what: str, todo: str = ""):
        self.where, self.what, self.todo = str(where), what, todo
        super().__init__((f"{self.where}: {what}" + (f"; {todo}" if todo else "")).translate(CONTROL))

    def __reduce__(self):  # Ray and multiprocessing send errors between processes
        return (type(self), (self.where, self.what, self.todo))


class ConfigurationError(UserError):
    """One or several mistakes in the configuration, a line each."""

    def __init__(self, lines: list[str]):
        self.lines = lines
        Exception.__init__(self, "\n".join(lines))

    def __reduce__(self):
        return (type(self), (self.lines,))
