"""Plain readers of the documented formats, written without the package."""
