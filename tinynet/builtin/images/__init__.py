"""Parts of the dataset `image_folder`: finding files, decoding them, and reading masks."""
