"""The stage `init`: a project of the user's own, which runs with the installed package."""
