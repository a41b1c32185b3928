"""Configuration of the documentation site; `make docs` builds it."""

import re
from importlib import import_module

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from pyg_grapheme import __version__

project = "pyg-grapheme"
author = "The pyg-grapheme authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["build"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# Sections of the docstrings that Google's style does not have.
SECTIONS = ("Compilation", "Cost", "Differentiation", "Shapes", "Source")
napoleon_custom_sections = list(SECTIONS)
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signatures have them
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"
add_module_names = False

html_theme = "furo"
html_title = "pyg-grapheme"
html_show_sourcelink = False
html_math_renderer = "mathml"

# These packages import their names on first use; autodoc looks for them in the module.
for name in ("pyg_grapheme.metrics", "pyg_grapheme.testing", "lightning_modules"):
    module = import_module(name)
    vars(module).update({public: getattr(module, public) for public in module.__all__})


def to_napoleon(
    app: Sphinx, kind: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Give sections that begin on the line of their name a line of their own; escape shapes."""
    written = []
    for line in lines:
        # Two shapes such as [N, *] on one line would be emphasis.
        line = line if "`" in line or ">>>" in line else line.replace(", *]", r", \*]")
        # A description such as "B." would be item B of a list.
        line = re.sub(r": ([A-Z]\.)(?=\s|$)", r": \\\1", line)
        match = re.fullmatch(rf"(\s*)({'|'.join(SECTIONS)}): (.+)", line)
        if match:
            indent, section, text = match.groups()
            written += ["", f"{indent}{section}:", f"{indent}    {text}"]
        else:
            written.append(line)
    lines[:] = written


def skip_field(
    app: Sphinx, kind: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Leave out the fields of a named tuple: its docstring describes them."""
    return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field") else None


def write_math(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula as MathML, which needs no script from elsewhere."""
    translator.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def write_math_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a displayed formula."""
    formula = tex2mathml(node.astext(), as_block=True)
    translator.body.append(f'<div class="table-wrapper">{formula}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Connect the functions above, the first before napoleon."""
    app.connect("autodoc-process-docstring", to_napoleon, priority=400)
    app.connect("autodoc-skip-member", skip_field)
    app.add_html_math_renderer("mathml", (write_math, None), (write_math_block, None))
