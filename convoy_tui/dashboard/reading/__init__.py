"""What the pages read of a store beside the board: one module for each page, over `convoy_core`."""
