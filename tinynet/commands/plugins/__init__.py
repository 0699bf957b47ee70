"""Tools for plugins: create one from a template, list, examine and check them."""
