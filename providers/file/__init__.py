"""Objects out of YAML and JSON files, followed as they are edited."""

from providers.file.provider import FileProvider
from providers.file.settings import Settings

__all__ = ["FileProvider", "Settings"]
