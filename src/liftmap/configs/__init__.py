"""The studies that ship with liftmap, one TOML file each; their names are `liftmap study NAME`."""
