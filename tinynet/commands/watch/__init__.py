"""`tinynet watch`: the state of runs that other processes train."""
