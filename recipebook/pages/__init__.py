"""Pages of HTML: how a template is filled, and the style that all pages share."""
