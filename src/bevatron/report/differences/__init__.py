"""What differs between two reports: verdicts, metrics, settings, versions."""
