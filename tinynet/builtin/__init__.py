"""The built-in layers, losses, optimizers, ...: found through entry points, as any plugin is."""
