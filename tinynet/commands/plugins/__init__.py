"""Tools for plugins: create, list, diagnose and check them."""
