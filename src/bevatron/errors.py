"""The one exception a user is meant to read: what is wrong, where, and what to do about it."""


class UserError(Exception):
    """A mistake of the user's or of their machine's; the command line prints it as one line and exits with 2.

    `where` names a file, a field or a row; `what` says what was found and what was expected; `todo` what to do.
    """

    def __init__(self, where: object, what: str, todo: str = ""):
        self.where, self.what, self.todo = str(where), what, todo
        where = self.where.replace("\n", "\\n")  # a file's name may have one
        super().__init__(in_one_line(f"{where}: {what}" + (f"; {todo}" if todo else "")))

    def __reduce__(self):  # Ray and multiprocessing send errors between processes
        return (type(self), (self.where, self.what, self.todo))


class ConfigurationError(UserError):
    """One or several mistakes in the configuration, a line each."""

    def __init__(self, lines: list[str]):
        self.lines = [in_one_line(line) for line in lines]
        Exception.__init__(self, "\n".join(self.lines))

    def __reduce__(self):
        return (type(self), (self.lines,))


class SystemFault(UserError):
    """The system did not let a file be read: the file itself may be whole. Nobody is told to delete it.

    Raised by `bevatron.system_errors`. Who takes another way where a file is damaged must not take it here.
    """


def in_one_line(text: str) -> str:
    """The text with line breaks and controls written as escapes: a file's name can hold any, and a terminal acts on
    them.
    """
    line = " ".join(part.strip() for part in text.split("\n"))
    return "".join(f"\\x{ord(sign):02x}" if _is_control(sign) else sign for sign in line)


def _is_control(sign: str) -> bool:
    return sign < " " or "\x7f" <= sign <= "\x9f" or sign in "\u2028\u2029"
