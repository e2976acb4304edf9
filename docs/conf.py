"""How Sphinx builds these pages: Markdown, offline, and a warning is an error (`./dev docs`)."""

project = "Tailrace"
author = "The Tailrace authors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Tailrace"
html_copy_source = False
html_show_sphinx = False
myst_heading_anchors = 3
# The answers of an API are shown as they come over the wire, which the highlighter need not understand.
suppress_warnings = ["misc.highlighting_failure"]
